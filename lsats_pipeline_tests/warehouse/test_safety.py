import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.warehouse.safety import require_synthetic_database


@pytest.mark.parametrize("name", ["lsats_demo", "x_test"])
def test_synthetic_databases_are_welcome(name: str) -> None:
    require_synthetic_database(name)


@pytest.mark.parametrize("name", ["lsats", "lsats_demo2", "test", "demo_prod", ""])
def test_other_databases_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="_demo or _test"):
        require_synthetic_database(name)
