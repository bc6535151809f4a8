"""Variables that cannot be used are named, with what would do instead."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load


@pytest.mark.parametrize("zone", ["Mars", "America", "../etc/passwd"])
def test_a_time_zone_that_there_is_not(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("LSATS_TIMEZONE", zone)
    with pytest.raises(ConfigurationError) as refused:
        load(HubSettings)
    assert str(refused.value) == (
        "LSATS_TIMEZONE (time zone in which days begin):"
        f" there is no time zone {zone!r}; like America/Detroit"
    )
    assert refused.value.exit_code == 2


def test_a_time_zone_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSATS_TIMEZONE", "Asia/Tokyo")
    assert load(HubSettings).zone.key == "Asia/Tokyo"
