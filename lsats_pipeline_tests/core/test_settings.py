"""Variables that cannot be used are named, with what would do instead."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, from_variables, load
from lsats_pipeline.hub.sources.active_directory.settings import ActiveDirectorySettings
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings


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


@pytest.mark.parametrize("blank", ["", " ", "\t "])
def test_a_blank_variable_is_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    for name in ("AD_CA_FILE", "TDX_BASE_URL", "LSATS_DATA_FOLDER", "MAX_RECORDS"):
        monkeypatch.setenv(name, blank)
    assert load(ActiveDirectorySettings).ca_file is None
    assert not load(TdxSettings).configured
    assert load(HubSettings).lsats_data_folder is None
    assert load(HubSettings).max_records == 0
    assert from_variables(ActiveDirectorySettings, {"AD_CA_FILE": blank}).ca_file is None
