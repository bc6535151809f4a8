"""Price files as made: the same bytes for the same options, and a manifest that is true."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.synthetic.price_files import PriceFile, write_price_file
from lsats_pipeline.synthetic.price_files.example import cached_price_file

MADE = {
    "version 2": PriceFile(megabytes=0.3),
    "version 1": PriceFile(megabytes=0.3, version=1),
    "prices first": PriceFile(megabytes=0.3, order="prices-first"),
    "a line each": PriceFile(megabytes=0.3, pretty=True),
    "a large element": PriceFile(megabytes=0.5, large=0.3),
}


def document(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


@pytest.mark.parametrize("options", MADE.values(), ids=MADE)
def test_the_manifest_is_what_a_parser_counts(options: PriceFile, tmp_path: Path) -> None:
    path = tmp_path / "prices.json.gz"
    manifest = write_price_file(path, options)
    found = document(path)
    groups = [g for r in found["provider_references"] for g in r["provider_groups"]]
    rates = [rate for element in found["in_network"] for rate in element["negotiated_rates"]]
    prices = [price for rate in rates for price in rate["negotiated_prices"]]
    inline = {json.dumps(r["provider_groups"]) for r in rates if "provider_groups" in r}
    assert manifest.text == len(gzip.decompress(path.read_bytes()))
    assert manifest.elements == {
        key: len(found[key]) for key in ("provider_references", "in_network")
    }
    assert manifest.groups == len(groups)
    assert manifest.npis == sum(len(group["npi"]) for group in groups)
    assert (manifest.rates, manifest.prices) == (len(rates), len(prices))
    assert manifest.cents == sum(round(price["negotiated_rate"] * 100) for price in prices)
    assert manifest.entries == sum(len(r.get("provider_references", "1")) for r in rates)
    assert manifest.inline_groups == sum(len(json.loads(text)) for text in inline)
    assert bool(inline) == (options.version == 1)
    assert manifest.faults == []


def test_allowed_amounts_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "allowed.json.gz"
    manifest = write_price_file(path, PriceFile(megabytes=0.2, kind="allowed-amounts"))
    elements = document(path)["out_of_network"]
    payments = [p for e in elements for a in e["allowed_amounts"] for p in a["payments"]]
    assert manifest.elements == {"out_of_network": len(elements)}
    assert manifest.payments == len(payments)
    assert manifest.cents == sum(round(p["allowed_amount"] * 100) for p in payments)


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (tmp_path / f"{name}.json.gz" for name in ("one", "two", "other"))
    for path, seed in ((one, 1), (two, 1), (other, 2)):
        write_price_file(path, PriceFile(megabytes=0.1, seed=seed, faults=0.2))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("megabytes", [0.05, 0.5, 2])
def test_a_file_is_as_large_as_asked_for(megabytes: float, tmp_path: Path) -> None:
    manifest = write_price_file(tmp_path / "a.json", PriceFile(megabytes=megabytes))
    assert (tmp_path / "a.json").stat().st_size == manifest.text
    assert 0.9 * megabytes < manifest.text / 1e6 < 1.2 * megabytes + 0.2


def test_versions_and_orders_differ_as_published(tmp_path: Path) -> None:
    write_price_file(tmp_path / "1.json.gz", PriceFile(megabytes=0.1, version=1))
    write_price_file(tmp_path / "2.json.gz", PriceFile(megabytes=0.1, order="prices-first"))
    old, new = document(tmp_path / "1.json.gz"), document(tmp_path / "2.json.gz")
    assert (old["version"], new["version"]) == ("1.6.2", "2.1.0")
    assert list(old).index("provider_references") < list(old).index("in_network")
    assert list(new).index("provider_references") > list(new).index("in_network")
    price = new["in_network"][0]["negotiated_rates"][0]["negotiated_prices"][0]
    assert price["setting"] == "outpatient"
    assert "network_name" in new["provider_references"][0]
    assert "network_name" not in old["provider_references"][0]


@pytest.mark.parametrize("wrong", [{"megabytes": 0}, {"faults": 2}, {"large": 9}])
def test_options_that_make_no_file_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        PriceFile(**wrong)


def test_a_cached_manifest_is_the_written_one(tmp_path: Path) -> None:
    options = PriceFile(megabytes=0.3, faults=0.1, defects=0.9)
    written = cached_price_file(tmp_path / "prices.json.gz", options)
    before = (tmp_path / "prices.json.gz").stat().st_mtime_ns
    assert cached_price_file(tmp_path / "prices.json.gz", options) == written
    assert (tmp_path / "prices.json.gz").stat().st_mtime_ns == before
    assert written.faults
    assert written.defects
