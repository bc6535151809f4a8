"""The dictionaries of the retail world: all names synthetic, every fault of a file reported."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from faker.providers.person.en_US import Provider

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.worlds.retail import vocabulary
from lsats_pipeline_tests.synthetic.retail import failed, findings_of, options, rows_of

OWN = Path(str(files("lsats_pipeline.synthetic.worlds.retail"))) / "dictionaries"


def column(name: str, which: str) -> list[str]:
    with (OWN / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row[which] for row in csv.DictReader(file)]


def plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def blocked(*kinds: str) -> set[str]:
    """Well-known names in one word: `Oak Mills` hides no `Oakmills`."""
    rows = zip(column("blocked_names", "kind"), column("blocked_names", "name"), strict=True)
    return {plain(name) for kind, name in rows if kind in kinds}


def test_nobody_has_a_name_that_is_common() -> None:
    real = {plain(name) for name in (*Provider.first_names, *Provider.last_names)}
    assert len(real) > 1_000
    assert real.isdisjoint(map(plain, column("first_names", "first_name")))
    assert real.isdisjoint(map(plain, column("last_names", "last_name")))


def test_no_brand_or_company_is_well_known_not_even_in_part() -> None:
    real = blocked("brand", "company")
    assert len(real) > 300
    for name in {*column("brands", "brand"), *column("brands", "company")}:
        assert plain(name) not in real
        assert plain(name.split()[0]) not in real


def test_no_product_carries_a_brand() -> None:
    known = blocked("brand", "company")
    for name in column("products", "product_name"):
        words = {plain(word) for word in name.split()} - {"apple"}  # the fruit
        assert words.isdisjoint(known), name


def test_no_city_is_a_large_one() -> None:
    assert blocked("city").isdisjoint(map(plain, column("geographies", "city")))


def test_streets_and_counties_are_not_real_people_or_brands() -> None:
    assert blocked("brand", "company", "city").isdisjoint(map(plain, column("streets", "word")))


def test_the_dictionaries_are_as_large_as_the_document_wants() -> None:
    assert len(column("geographies", "city")) == 1_000
    assert len(column("first_names", "first_name")) >= 313
    assert len(column("last_names", "last_name")) >= 364
    assert len(column("brands", "brand")) >= 608
    assert len(set(column("brands", "company"))) >= 69
    assert len(set(column("products", "department"))) == 11
    assert len(set(column("products", "subcategory"))) >= 150
    assert len(set(column("geographies", "state"))) == 50
    assert len(column("streets", "word")) == 42
    prices = [float(price) for price in column("products", "base_price")]
    assert (min(prices), max(prices)) == (1.29, 299.99)


def test_brands_lie_evenly_between_85_and_115_percent() -> None:
    factors = [float(factor) for factor in column("brands", "price_factor")]
    assert sum(factors) / len(factors) == pytest.approx(1, abs=0.001)
    assert 0.85 <= min(factors) < 0.86
    assert 1.14 < max(factors) <= 1.15


def broken(folder: Path, name: str, change: Callable[[list[str]], None]) -> Path:
    """A folder with one dictionary, its lines changed."""
    lines = (OWN / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    change(lines)
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def without_last_field(lines: list[str]) -> None:
    lines[6] = lines[6].rpartition(",")[0]


def only_ten(lines: list[str]) -> None:
    del lines[11:]


def one_twice(lines: list[str]) -> None:
    lines[5] = lines[2]


def replaced(line: int, old: str, new: str) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        assert old in lines[line]
        lines[line] = lines[line].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("brands", without_last_field, r"brands\.csv:7: 3 columns"),
        ("brands", only_ten, r"brands\.csv:11: ends after 10 rows, not 500"),
        ("first_names", only_ten, "ends after 10 rows, not 250"),
        ("geographies", only_ten, "ends after 10 rows, not 100"),
        ("products", one_twice, r"products\.csv:6: product_name .* is in line 3 too"),
        ("geographies", one_twice, r"geographies\.csv:6: zip_code .* is in line 3 too"),
        ("products", replaced(1, "Grocery", "Grocer"), r"products\.csv:2: .*not in categories"),
        ("categories", replaced(1, "food", "feed"), r"categories\.csv:2: goods 'feed': one of"),
        ("tax_rates", replaced(3, "0.", "1."), r"tax_rates\.csv:4: combined_rate '1\."),
        ("brands", replaced(0, "company", "firm"), r"brands\.csv:1: the heading is"),
    ],
)
def test_a_fault_of_a_dictionary_stops_everything(
    tmp_path: Path, name: str, change: Callable[[list[str]], None], message: str
) -> None:
    chosen = options(dictionaries=broken(tmp_path, name, change))
    with pytest.raises(BadDeclaration, match=message):
        vocabulary.require_dictionaries(chosen)


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="there is no such folder"):
        vocabulary.require_dictionaries(options(dictionaries=tmp_path / "none"))


def test_a_world_of_other_dictionaries_keeps_the_rules(tmp_path: Path) -> None:
    shutil.copytree(OWN, tmp_path, dirs_exist_ok=True)
    streets = tmp_path / "streets.csv"
    streets.write_text(streets.read_text(encoding="utf-8").replace("Acorn", "Walnut"))
    chosen = options(dictionaries=tmp_path)
    tables = rows_of(chosen)
    addresses = " ".join(tables["customers"]["address"].to_pylist())
    assert "Walnut" in addresses
    assert "Acorn" not in addresses
    assert failed(findings_of(tables, chosen)) == set()
