"""A dictionary is right in every line, or nothing is made of it; the fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.dictionaries import number, one_of, read, text, units

PACKAGE = "lsats_pipeline.synthetic.worlds.retail"
COLUMNS = {"brand": text, "price": units(2, "0.50", "10")}


def written(folder: Path, content: str | bytes) -> Path:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "things.csv").write_bytes(data)
    return folder


def test_rows_are_parsed_by_their_columns(tmp_path: Path) -> None:
    folder = written(tmp_path, 'brand,price\nOne,1.5\n"Two, three",2.25\n')
    assert read(PACKAGE, "things", COLUMNS, 2, folder) == [("One", 150), ("Two, three", 225)]


def test_what_a_spreadsheet_writes_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, b"\xef\xbb\xbfbrand,price\r\nOne,1\r\n")
    assert read(PACKAGE, "things", COLUMNS, 1, folder) == [("One", 100)]


def test_a_file_that_the_folder_lacks_is_the_packages_own(tmp_path: Path) -> None:
    assert len(read(PACKAGE, "streets", {"word": text}, 42, tmp_path)) == 42


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("brand,price\nOne,1\nTwo\n", 3, "1 columns in 'Two', not the 2 of 'brand,price'"),
        ("brand,price\nOne,1,x\n", 2, "3 columns"),
        ("brand,price\n\nOne,1\n", 2, "0 columns"),
        ("brand,cost\nOne,1\n", 1, "the heading is 'brand,cost', not 'brand,price'"),
        ("", 1, "the heading is ''"),
        ("brand,price\nOne,1\n", 2, "ends after 1 rows, not 2"),
        ("brand,price\nOne,dear\n", 2, "price 'dear': a decimal number is wanted"),
        ("brand,price\nOne,0.49\n", 2, "price '0.49': a number from 0.50 to 10 is wanted"),
        ("brand,price\nOne,1.005\n", 2, "at most 2 decimals"),
        ("brand,price\nOne,NaN\n", 2, "price 'NaN': a number from 0.50 to 10 is wanted"),
        ("brand,price\n ,1\n", 2, "brand ' ': a text is wanted"),
        ('brand,price\n"One"x,1\n', 2, "expected after"),
        (b"brand,price\nOne,1\n\xff,2\n", 3, "is not UTF-8"),
    ],
)
def test_a_fault_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, message: str
) -> None:
    with pytest.raises(BadDeclaration) as error:
        read(PACKAGE, "things", COLUMNS, 2, written(tmp_path, content))
    assert f"things.csv:{line}: " in str(error.value)
    assert message in str(error.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BadDeclaration, match=r"nothing\.csv: cannot be read"):
        read(PACKAGE, "nothing", COLUMNS, 1)


def test_values_are_numbers_above_zero_or_out_of_a_few() -> None:
    assert (number("1.5"), one_of("a", "b")("b")) == (1.5, "b")
    for wrong in ("0", "-1", "inf", "nan", "x"):
        with pytest.raises(ValueError):
            number(wrong)
    with pytest.raises(ValueError, match="one of a, b is wanted"):
        one_of("a", "b")("c")
