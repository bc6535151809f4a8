"""The dictionaries of this world as columns, read once per folder and checked against each other.

places ── city, state, ZIP, district, region, weight   goods ── products, their categories, brands
people ── first and last names                         taxes ── rates of cities
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.dictionaries import Parsers, number, one_of, read, text, units
from lsats_pipeline.synthetic.sampling import Floats, Ints
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions

_PACKAGE = "lsats_pipeline.synthetic.worlds.retail"
BRAND_CATEGORIES = (
    "Food", "Electronics", "Clothing", "Health", "Pet", "Automotive", "Office", "Sports", "Home",
)  # fmt: skip
# By name (section 4), whatever folder the dictionaries are from.
REFRIGERATED = ("Produce", "Baby Food", "Dairy & Alternatives", "Meat & Poultry", "Seafood")
# Fewer make worlds that repeat themselves; the predecessor expected 250 of each (section 6).
_NAMES, _STREETS, _PRODUCTS, _BRANDS, _TAXES = 250, 42, 500, 500, 100
RATE_DIGITS = 5


@dataclass(frozen=True)
class Places:
    """Places that geographies are taken from; `weight` is how much of the trade is there."""

    city: Any
    state: Any
    zip_code: Any
    district: Any
    region: Any
    weight: Floats

    def __len__(self) -> int:
        return len(self.weight)


@dataclass(frozen=True)
class Goods:
    """Products and brands; positions point from products to categories.

    `base_price` in cents; `price_factor`: a brand's level of prices, in thousandths.
    """

    product_name: Any
    base_price: Ints
    department: Any
    category: Any
    subcategory: Any
    product_group: Ints
    tags: Any
    group_names: tuple[tuple[str, str], ...]
    group_goods: tuple[str, ...]
    group_brand_category: tuple[str, ...]
    brand: Any
    company: Any
    brand_category: tuple[str, ...]
    price_factor: Ints


@lru_cache
def places(folder: Path | None = None, least: int = 1) -> Places:
    """`geographies.csv`, of at least so many rows."""
    parse = dict.fromkeys(("city", "state", "zip_code", "district", "region"), text)
    rows = _read("geographies", {**parse, "weight": number}, least, folder)
    _require_different("geographies", "zip_code", [row[2] for row in rows])
    _require_different("geographies", "city and state", [row[:2] for row in rows])
    city, state, zip_code, district, region, weight = zip(*rows, strict=True)
    return Places(
        pa.array(city),
        pa.array(state),
        pa.array(zip_code),
        pa.array(district),
        pa.array(region),
        np.array(weight),
    )


@lru_cache
def names(which: str, folder: Path | None = None) -> Any:
    """`first_names.csv` or `last_names.csv`."""
    rows = _read(f"{which}s", {which: text}, _NAMES, folder)
    _require_different(f"{which}s", which, rows)
    return pa.array([row[0] for row in rows])


@lru_cache
def streets(folder: Path | None = None) -> Any:
    """Words that streets are called by."""
    return pa.array([word for (word,) in _read("streets", {"word": text}, _STREETS, folder)])


@lru_cache
def tax_rates(folder: Path | None = None) -> tuple[tuple[str, str, int], ...]:
    """State, city and rate in units of the fifth decimal (section 4: 0 to 0.20)."""
    parse = {
        "state": text, "county": text, "city": text,
        "combined_rate": units(RATE_DIGITS, "0", "0.20"),
    }  # fmt: skip
    rows = _read("tax_rates", parse, _TAXES, folder)
    _require_different("tax_rates", "state and city", [(row[0], row[2]) for row in rows])
    return tuple((state, city, rate) for state, _, city, rate in rows)


@lru_cache
def goods(folder: Path | None = None) -> Goods:
    """Products with their categories, brands with their companies."""
    groups = _categories(folder)
    positions = {row[:2]: at for at, row in enumerate(groups)}
    products, brands = _products(folder), _brands(folder)
    for line, row in enumerate(products, start=2):
        if row[2:4] not in positions:
            raise BadDeclaration(f"products.csv:{line}: {row[2:4]} is not in categories.csv")
    product_name, base_price, department, category, subcategory = zip(*products, strict=True)
    brand, company, brand_category, factor = zip(*brands, strict=True)
    _require_brands({row[2] for row in groups}, set(brand_category))
    return Goods(
        product_name=pa.array(product_name),
        base_price=np.array(base_price, dtype=np.int64),
        department=pa.array(department),
        category=pa.array(category),
        subcategory=pa.array(subcategory),
        product_group=np.array([positions[row[2:4]] for row in products], dtype=np.int64),
        tags=_tags(product_name, folder),
        group_names=tuple(row[:2] for row in groups),
        group_goods=tuple(row[3] for row in groups),
        group_brand_category=tuple(row[2] for row in groups),
        brand=pa.array(brand),
        company=pa.array(company),
        brand_category=brand_category,
        price_factor=np.array(factor, dtype=np.int64),
    )


@lru_cache
def blocked(kind: str) -> frozenset[str]:
    """Well-known names that no synthetic one may have, in small letters: brand, company or city."""
    rows = _read("blocked_names", {"kind": one_of("brand", "company", "city"), "name": text}, 1)
    return frozenset(name.lower() for of, name in rows if of == kind)


def require_dictionaries(options: RetailOptions) -> None:
    """Read every dictionary before anything is made; BadDeclaration names file and line."""
    folder = options.dictionaries
    if folder and not folder.is_dir():
        raise BadDeclaration(f"dictionaries {str(folder)!r}: there is no such folder")
    places(folder, options.geographies)
    names("first_name", folder)
    names("last_name", folder)
    streets(folder)
    tax_rates(folder)
    goods(folder)


def _categories(folder: Path | None) -> list[tuple[Any, ...]]:
    parse = {
        "department": text, "category": text, "brand_category": one_of(*BRAND_CATEGORIES),
        "goods": one_of("food", "clothing", "other"),
    }  # fmt: skip
    rows = _read("categories", parse, 1, folder)
    _require_different("categories", "department and category", [row[:2] for row in rows])
    return rows


def _products(folder: Path | None) -> list[tuple[Any, ...]]:
    parse = {
        # Below half a dollar no discount of 5 to 35 % is sure to fall on a whole cent.
        "product_name": text, "base_price": units(2, "0.50", "9999999.99"), "department": text,
        "category": text, "subcategory": text,
    }  # fmt: skip
    rows = _read("products", parse, _PRODUCTS, folder)
    _require_different("products", "product_name", [row[0] for row in rows])
    return rows


def _brands(folder: Path | None) -> list[tuple[Any, ...]]:
    parse = {
        "brand": text, "company": text, "brand_category": one_of(*BRAND_CATEGORIES),
        "price_factor": units(3, "0.85", "1.15"),
    }  # fmt: skip
    rows = _read("brands", parse, _BRANDS, folder)
    _require_different("brands", "brand", [row[0] for row in rows])
    return rows


def _tags(products: Sequence[str], folder: Path | None) -> Any:
    rows = _read("product_tags", {"product_name": text, "tags": text}, 0, folder)
    tags = dict(rows)
    for line, (name, _) in enumerate(rows, start=2):
        if name not in products and folder is None:
            raise BadDeclaration(f"product_tags.csv:{line}: {name!r} is not in products.csv")
    return pa.array([tags.get(name) for name in products], pa.string())


def _read(
    name: str, columns: Parsers, least: int, folder: Path | None = None
) -> list[tuple[Any, ...]]:
    return read(_PACKAGE, name, columns, least, folder)


def _require_different(name: str, what: str, values: Sequence[Any]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        lines = [at for at, value in enumerate(values, start=2) if value == twice[0]]
        raise BadDeclaration(f"{name}.csv:{lines[1]}: {what} {twice[0]} is in line {lines[0]} too")


def _require_brands(wanted: set[str], found: set[str]) -> None:
    if missing := sorted(wanted - found):
        raise BadDeclaration(f"brands.csv: has no brand for products of {', '.join(missing)}")
