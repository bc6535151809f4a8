"""The files around the package say the same as the package."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from lsats_pipeline.campus.simulators import SYSTEMS
from lsats_pipeline.core import settings
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.mrf.settings import MrfSettings

CHECKOUT = Path(__file__).resolve().parent.parent
# Read by docker-compose.yml itself.
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "POSTGRES_PORT", "DAGSTER_PORT"}
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def settings_classes() -> list[type[BaseSettings]]:
    own: list[type[BaseSettings]] = [settings.HubSettings, settings.LogSettings, MrfSettings]
    return [*own, *(source.settings for source in SOURCES)]


def variables_of(cls: type[BaseSettings]) -> set[str]:
    prefix = cls.model_config.get("env_prefix", "")
    return {f"{prefix}{field}".upper() for field in cls.model_fields}


def example_lines() -> list[str]:
    return (CHECKOUT / ".env.example").read_text().splitlines()


def test_env_example_names_every_variable_and_no_other() -> None:
    """Those of further sources may be left out: who adds one knows them."""
    named = [line.split("=")[0] for line in example_lines() if line and not line.startswith("#")]
    further = {source.settings for source in SOURCES if source.system not in SYSTEMS}
    needed = [cls for cls in settings_classes() if cls not in further or cls is DocumentSettings]
    known, required = (
        set().union(*map(variables_of, classes)) | COMPOSE_ONLY
        for classes in (settings_classes(), needed)
    )
    assert len(set(named)) == len(named)
    assert required <= set(named) <= known


def test_env_example_holds_no_values() -> None:
    assert [line for line in example_lines() if line[:1] not in ("", "#") and line[-1] != "="] == []


def test_env_example_as_it_is_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = settings.load(settings.HubSettings)
    shutil.copy(CHECKOUT / ".env.example", tmp_path / ".env")
    assert settings.load(settings.HubSettings) == plain
    for source in SOURCES:
        assert not settings.load(source.settings).configured


def test_every_variable_has_a_meaning() -> None:
    bare = [
        f"{cls.__name__}.{name}"
        for cls in settings_classes()
        for name, field in cls.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_the_lock_has_hashes_and_no_addresses() -> None:
    text = (CHECKOUT / "requirements.lock").read_text()
    pinned = re.findall(
        r"^([a-z0-9][\w.-]*)(?:\[[^]]+\])?==\S+ (?:;.*)?\\\n    --hash=sha256:",
        text,
        re.MULTILINE,
    )
    assert len(pinned) == len(re.findall(r"^[a-zA-Z0-9]", text, re.MULTILINE))
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)


def test_every_dependency_is_locked() -> None:
    text = (CHECKOUT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^]]+\])?==", text, re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(item for extra in extras for item in extra)]
    names = {re.split(r"[\[<>=~! ;]", item)[0].lower() for item in wanted}
    assert names - locked == set()


def test_data_files_travel_with_the_package() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for path in (CHECKOUT / "lsats_pipeline").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert files
    assert [f.name for f in files if not any(fnmatch(f.name, p) for p in patterns)] == []


def test_one_code_location_by_one_name() -> None:
    dg = PROJECT["tool"]["dg"]["project"]
    for file in ("workspace.yaml", "workspace.docker.yaml"):
        (location,) = yaml.safe_load((CHECKOUT / file).read_text())["load_from"]
        ((_, named),) = location.items()
        assert named["location_name"] == dg["code_location_name"] == "lsats_pipeline"
        assert named.get("module_name", dg["code_location_target_module"]) == (
            "lsats_pipeline.definitions"
        )


def test_compose_opens_ports_to_this_machine_only_and_watches_every_service() -> None:
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"database", "migrate", "code", "webserver", "daemon"}
    for name, service in services.items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "healthcheck" in service or name == "migrate"


def test_make_setup_does_nothing_the_second_time() -> None:
    make = shutil.which("make")
    if make is None or not (CHECKOUT / ".venv/.complete").exists():
        pytest.skip("not set up by make")
    answer = subprocess.run(
        [make, "--question", "setup"], cwd=CHECKOUT, check=False, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
