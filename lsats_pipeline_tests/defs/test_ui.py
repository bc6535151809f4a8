"""The web interface in a real browser: the graph, a day of a table, its picture, its checks.

`LSATS_SCREENSHOT_DIR=docs/images pytest lsats_pipeline_tests/defs/test_ui.py` also takes the
screenshots, among them `overview.png` of the README.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode

import pytest

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.defs.hub.resources import hub_resources
from lsats_pipeline_tests.defs.browser import NAMES, Page, chromium, opened_page
from lsats_pipeline_tests.defs.conftest import Lived, Ran, execute_job

# Read here, before a fixture takes the developer's variables away.
SCREENSHOTS = os.environ.get("LSATS_SCREENSHOT_DIR", "")
GROUPS = ",".join(f"global@global:{group}" for group in ("bronze", "enrichment", "silver"))
_SECONDS_TO_START = 90


@pytest.fixture(scope="module")
def webserver(lived: Lived) -> Iterator[str]:
    """Dagster's web server on the two days, at a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    program = Path(sys.executable).with_name("dagster-webserver")
    log_path = lived.folder / "webserver.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [program, "-h", "127.0.0.1", "-p", port, "-w", CHECKOUT / "workspace.yaml"],
            env=lived.environment,
            cwd=lived.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/server_info", process, log_path)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (URLError, OSError):
            ended = process.poll() is not None or time.monotonic() > deadline
            assert not ended, f"the web server does not answer:\n{log_path.read_text()[-3000:]}"
            time.sleep(0.2)
        else:
            return


@pytest.fixture(scope="module")
def page(webserver: str) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.fail(
            f"no browser: none of {', '.join(NAMES)} is on the PATH. Install Debian's package"
            " `chromium`, or leave this out with `--ignore lsats_pipeline_tests/defs/test_ui.py`"
        )
    with opened_page(program) as page:
        page.size(1440, 900)
        yield page


def ask(webserver: str, query: str, **variables: Any) -> Any:
    """What the web server answers to a GraphQL query."""
    request = urllib.request.Request(
        f"{webserver}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.loads(response.read())
    assert "errors" not in answer, answer
    return answer["data"]


def shoot(page: Page, name: str) -> None:
    if SCREENSHOTS:
        folder = CHECKOUT / SCREENSHOTS
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(folder / f"{name}.png")


RUNS_OF_JOBS = """query { repositoryOrError(repositorySelector:
  {repositoryName: "__repository__", repositoryLocationName: "lsats_pipeline"}) {
    ... on Repository { pipelines { name runs(limit: 5) { runId status } } } } }"""
AGAIN = """mutation($parent: String!) { launchRunReexecution(
  reexecutionParams: {parentRunId: $parent, strategy: ALL_STEPS}) {
    __typename ... on LaunchRunSuccess { run { runId status parentRunId } }
    ... on PythonError { message } } }"""
DELETE = "mutation($run: String!) { deletePipelineRun(runId: $run) { __typename } }"


def test_runs_of_the_command_line_are_under_their_job_and_can_be_run_again(webserver: str) -> None:
    jobs = ask(webserver, RUNS_OF_JOBS)["repositoryOrError"]["pipelines"]
    runs = {job["name"]: job["runs"] for job in jobs}
    assert [run["status"] for run in runs["hub_daily"]] == ["SUCCESS", "SUCCESS"]
    parent = runs["hub_daily"][0]["runId"]
    again = ask(webserver, AGAIN, parent=parent)["launchRunReexecution"]
    assert again["__typename"] == "LaunchRunSuccess", again
    # The daemon, which is not at work here, takes it from the queue.
    assert (again["run"]["status"], again["run"]["parentRunId"]) == ("QUEUED", parent)
    ask(webserver, DELETE, run=again["run"]["runId"])


def test_the_graph_shows_every_asset_with_its_state(page: Page, webserver: str) -> None:
    page.size(4800, 8400, scale=0.33)  # from this size on the nodes are drawn with their state
    page.go(f"{webserver}/asset-groups?{urlencode({'expanded': GROUPS})}")
    page.wait_for_text("Global asset lineage", "tdx_department", "mcommunity_users")
    read = "document.body.innerText.split({}).length - 1"
    for label, least in (("100% filled", 16), ("2 / 2 Passed", 8), ("3 / 3 Passed", 8)):
        page.wait(f"{read.format(repr(label))} >= {least}")
    page.settle()
    shoot(page, "ui")
    page.size(1440, 900)


def test_a_day_of_a_table_shows_what_was_done(page: Page, webserver: str, lived: Lived) -> None:
    open_day(page, webserver, lived)
    page.wait_for_text("Materialized", "hub_daily", "mean quality", "dagster/row_count", "run id")
    page.settle()
    shoot(page, "day")


def test_the_picture_of_the_quality_is_drawn(page: Page, webserver: str, lived: Lived) -> None:
    open_day(page, webserver, lived)
    show(page, "quality")
    picture = "[...document.images].find(i => i.alt === 'Quality of silver.users')"
    assert page.wait(f"{picture} && {picture}.complete && {picture}.naturalWidth") == 760
    page.settle()
    shoot(page, "quality")


def test_the_sample_shows_nobody(page: Page, webserver: str, lived: Lived) -> None:
    open_day(page, webserver, lived)
    page.wait_for_text("sample", "uniqname", "data_quality_score", "•••")
    assert "@" not in page.evaluate("document.querySelector('table:last-of-type').innerText")
    page.settle()
    shoot(page, "sample")


def test_the_checks_are_shown_with_their_outcome(page: Page, webserver: str) -> None:
    page.go(f"{webserver}/assets/silver/users?view=checks&checkDetail=quality")
    page.wait_for_text("Checks (5)", "keys", "quality", "removals", "Passed")
    page.wait_for_text(
        "the mean score is", "of what scores lack is due to", "non-blocking asset check."
    )
    page.settle()
    shoot(page, "checks")


def test_the_page_of_a_table_says_what_it_is_and_where_it_is_declared(
    page: Page, webserver: str
) -> None:
    page.go(f"{webserver}/assets/silver/users?view=overview")
    page.wait_for_text("One row per person", "uniqname", "Row count", "flags", "sample")
    page.wait_for_text("lsats-people", "given name; from tdx, then umapi")
    page.wait_for_text("hub_daily", "At 05:00 AM")
    link = "document.querySelector('a[href^=\"vscode:\"]')"
    assert page.wait(f"{link} && {link}.href").split("/users.py:")[1].isdecimal()
    page.settle()
    shoot(page, "overview")


RESOURCES = """{ allTopLevelResourceDetailsOrError(repositorySelector: {
  repositoryName: "__repository__", repositoryLocationName: "lsats_pipeline"}) {
  ... on ResourceDetailsList { results { name description
    configFields { name description configTypeKey } nestedResources { name } } } } }"""


def test_every_resource_of_the_hub_shows_its_fields(page: Page, webserver: str) -> None:
    request = urllib.request.Request(
        f"{webserver}/graphql",
        json.dumps({"query": RESOURCES}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        found = json.load(response)["data"]["allTopLevelResourceDetailsOrError"]["results"]
    fields = {resource["name"]: resource["configFields"] for resource in found}
    states = {resource["name"]: resource["description"] for resource in found}
    for name in hub_resources():
        assert fields[name]
        assert all(field["configTypeKey"] and field["description"] for field in fields[name])
    assert all(states.values()), states
    assert states["tdx"].startswith("TeamDynamix: simulated, for no source is configured. As of")
    assert "_test. As of when" in states["warehouse"]
    assert {field["name"] for field in fields["tdx"]} >= {"base_url", "password_variable"}
    page.go(f"{webserver}/locations/lsats_pipeline/resources/tdx")
    page.wait_for_text("calls_per_minute", "rate limit of single-record calls (at least 1)")
    page.settle()
    shoot(page, "resource")


@pytest.fixture(scope="module")
def priced(lived: Lived) -> Ran:
    """The example of a price file, by Dagster's own command with options and no partition."""
    options = {"example_mb": 1, "workers": 1, "split_mb": 0.3, "to_postgres": True}
    config = lived.folder / "price_files.yaml"
    config.write_text(json.dumps({"resources": {"price_files": {"config": options}}}))
    return execute_job("mrf_process", lived.environment, lived.folder, config=config)


def test_the_partition_of_a_price_file_shows_its_checks(
    page: Page, webserver: str, priced: Ran
) -> None:
    assert priced.code == 0, priced.output[-3000:]
    open_file(page, webserver, "in_network")
    page.wait_for_text("mrf_demo", "Materialized", "mrf_process", "rows in PostgreSQL")
    page.wait_for_text("nothing_lost", "rows_stored", "in the Parquet files", "few_rejects")
    page.settle()
    shoot(page, "price_file")
    open_file(page, webserver, "raw_file")
    page.wait_for_text("whole", "sha256", "mrf_demo.json.gz")
    open_file(page, webserver, "split_files")
    page.wait_for_text("same_elements", "hash of the multiset", "mrf_demo_part-00002.json.gz")


def test_the_prices_are_drawn(page: Page, webserver: str, priced: Ran) -> None:
    open_file(page, webserver, "file_profile")
    show(page, "price distribution")
    picture = "[...document.images].find(i => i.alt === 'Prices of mrf_demo')"
    assert page.wait(f"{picture} && {picture}.complete && {picture}.naturalWidth") == 760
    page.settle()
    shoot(page, "price_distribution")


def test_a_check_of_a_price_file_names_its_partition(
    page: Page, webserver: str, priced: Ran
) -> None:
    page.go(f"{webserver}/assets/mrf/file_profile?view=checks&checkDetail=every_row_once")
    page.wait_for_text("Checks (10)", "every_row_once", "Partition", "mrf_demo", "Passed")
    page.settle()
    shoot(page, "price_checks")


def test_the_graph_shows_the_steps_of_price_files(page: Page, webserver: str, priced: Ran) -> None:
    page.size(3200, 2000, scale=0.5)
    page.go(f"{webserver}/asset-groups?{urlencode({'expanded': 'global@global:mrf'})}")
    page.wait_for_text("raw_file", "file_index", "provider_references", "split_files")
    page.wait("document.body.innerText.split('100% filled').length - 1 >= 7")
    page.settle()
    shoot(page, "price_steps")
    page.size(1440, 900)


def open_file(page: Page, webserver: str, asset: str) -> None:
    """The example's partition of a step."""
    query = urlencode({"view": "partitions", "partition": "mrf_demo"})
    page.go(f"{webserver}/assets/mrf/{asset}?{query}")
    page.wait_for_text("Metadata", "checks")


def open_day(page: Page, webserver: str, lived: Lived) -> None:
    """The table `users` on its first day."""
    query = urlencode({"view": "partitions", "partition": lived.days[0].isoformat()})
    page.go(f"{webserver}/assets/silver/users?{query}")
    page.wait_for_text("Metadata", "dagster/row_count")


def show(page: Page, entry: str) -> None:
    """Open what stands behind the link of a metadata entry."""
    row = (
        f"[...document.querySelectorAll('tr')].find(r => r.cells[0].innerText.trim() === '{entry}')"
    )
    link = f"[...{row}.querySelectorAll('*')].filter(e => e.innerText === '[Show Markdown]').at(-1)"
    page.wait(f"!!{row} && !!{link}")
    page.evaluate(f"{link}.click()")
