"""What may be chosen of the retail world (domain/world_retail.md 3)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from lsats_pipeline.synthetic.spec import WorldOptions, options_config

# Stock is this many times the point at which it is ordered again, at least (section 4).
DC_COVER, STORE_COVER = 5, 3
_TRUCKS = 1_000_000


class RetailOptions(WorldOptions):
    """Volumes, ranges and days of the retail world."""

    model_config = options_config("RETAIL_")

    customers: int = Field(100_000, ge=1, le=50_000_000, description="customers")
    products: int = Field(10_000, ge=1, le=1_000_000, description="products")
    stores: int = Field(214, ge=1, le=100_000, description="stores")
    distribution_centers: int = Field(8, ge=1, le=999, description="distribution centers (DCs)")
    geographies: int = Field(100, ge=1, le=1_000, description="places that the world consists of")
    dc_trucks_refrigerated: int = Field(
        8, ge=0, le=_TRUCKS, description="refrigerated trucks between DCs and stores"
    )
    dc_trucks_other: int = Field(
        12, ge=0, le=_TRUCKS, description="other trucks between DCs and stores"
    )
    supplier_trucks_refrigerated: int = Field(
        12, ge=0, le=_TRUCKS, description="refrigerated trucks of suppliers"
    )
    supplier_trucks_other: int = Field(
        18, ge=0, le=_TRUCKS, description="other trucks of suppliers"
    )
    truck_dc_assignment_rate: float = Field(
        0.85, ge=0, le=1, description="share of the DC trucks that belong to one DC; rest: pool"
    )
    trucks_per_dc: int = Field(
        0, ge=0, le=_TRUCKS, description="trucks of each DC; 0 = by truck_dc_assignment_rate"
    )
    dc_stock_min: int = Field(
        500, ge=5, le=1_000_000, description="least stock of a product in a DC"
    )
    dc_stock_max: int = Field(5_000, ge=5, le=1_000_000, description="most stock in a DC")
    dc_reorder_min: int = Field(50, ge=1, le=200_000, description="lowest reorder point in a DC")
    dc_reorder_max: int = Field(500, ge=1, le=200_000, description="highest reorder point in a DC")
    store_stock_min: int = Field(
        20, ge=3, le=1_000_000, description="least stock of a product in a store"
    )
    store_stock_max: int = Field(200, ge=3, le=1_000_000, description="most stock in a store")
    store_reorder_min: int = Field(
        5, ge=1, le=300_000, description="lowest reorder point in a store"
    )
    store_reorder_max: int = Field(
        50, ge=1, le=300_000, description="highest reorder point in a store"
    )
    start_date: dt.date = Field(
        dt.date(2024, 1, 1), description="when trade begins; launch dates lie around it"
    )
    dictionaries: Path | None = Field(
        None, description="folder with CSV files that replace dictionaries of the same name"
    )

    @property
    def trucks(self) -> int:
        """Trucks in all."""
        return self.dc_trucks + self.supplier_trucks_refrigerated + self.supplier_trucks_other

    @property
    def dc_trucks(self) -> int:
        """Trucks between DCs and stores."""
        return self.dc_trucks_refrigerated + self.dc_trucks_other

    @model_validator(mode="after")
    def _ranges_hold_something(self) -> Self:
        for place, cover in (("dc", DC_COVER), ("store", STORE_COVER)):
            for range_ in (f"{place}_stock", f"{place}_reorder"):
                least, most = getattr(self, f"{range_}_min"), getattr(self, f"{range_}_max")
                if least > most:
                    raise ValueError(f"{range_}_min {least} is above {range_}_max {most}")
            stock, reorder = (
                getattr(self, f"{place}_stock_min"),
                getattr(self, f"{place}_reorder_min"),
            )
            if reorder * cover > stock:
                raise ValueError(
                    f"{place}_reorder_min {reorder} is above a {_PARTS[cover]} of "
                    f"{place}_stock_min {stock}; raise the stock or lower the reorder point"
                )
        return self

    @model_validator(mode="after")
    def _trucks_suffice(self) -> Self:
        wanted = self.trucks_per_dc * self.distribution_centers
        if wanted > self.dc_trucks:
            raise ValueError(
                f"trucks_per_dc {self.trucks_per_dc} asks {wanted} trucks for "
                f"{self.distribution_centers} DCs; there are {self.dc_trucks} "
                "(dc_trucks_refrigerated + dc_trucks_other)"
            )
        return self

    @model_validator(mode="after")
    def _start_has_been(self) -> Self:
        if self.start_date > self.as_of:
            raise ValueError(f"start_date {self.start_date} is after as_of {self.as_of}")
        return self


_PARTS = {DC_COVER: "fifth", STORE_COVER: "third"}
