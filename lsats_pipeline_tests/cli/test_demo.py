"""`lsats demo` from nothing and again, and what the other commands say of it."""

from __future__ import annotations

import datetime as dt
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.hub import open_hub
from lsats_pipeline.hub.plan import choose
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline_tests.cli.conftest import DAYS, PEOPLE, Demo, Lsats, call, environment, start

ASSETS = {str(one.asset) for one in choose()}


def query(text: str) -> list[tuple[Any, ...]]:
    with open_hub(simulation=SimulatedCampus()) as hub:
        return hub.warehouse.query(text)


def runs() -> int:
    return int(query("select count(*) from meta.ingestion_runs")[0][0])


def test_the_demo_fills_every_layer_on_every_day(demo: Demo) -> None:
    summary = demo.result.json
    today = load(HubSettings).today()
    days = [(today - dt.timedelta(days=n)).isoformat() for n in reversed(range(DAYS))]
    assert summary["success"]
    assert summary["days"] == days
    per_layer = {(line["day"], line["layer"]): line for line in summary["layers"]}
    assert set(per_layer) == {(d, x) for d in days for x in ("bronze", "enrichment", "silver")}
    first, second = per_layer[days[0], "bronze"], per_layer[days[1], "bronze"]
    assert first["created"] > PEOPLE
    assert second["skipped"] > 0.8 * first["created"]  # documents come when they change
    assert {q["table"] for q in summary["quality"]} >= {"users", "departments"}
    assert all(0.5 < q["mean"] <= 1 for q in summary["quality"] if q["rows"])
    assert {reason for _, reason, _ in summary["rejects"]} >= {"missing_key", "nul_character"}
    assert summary["memory_peak"] > summary["memory_at_start"] > 0
    assert summary["prices"]["run"]["success"]
    assert all(made == found > 0 for _, made, found in summary["prices"]["compared"])


def test_a_second_demo_redoes_nothing_and_shows_the_summary(demo: Demo, lsats: Lsats) -> None:
    before = runs()
    result = lsats("demo", "--people", str(PEOPLE), "--days", str(DAYS))
    assert result.code == 0
    assert runs() == before
    assert result.err.count("⏭️") == DAYS + 1  # and the price file
    for part in (
        "A price file of 2 MB",
        "Rows per day and layer",
        "Open rejects",
        "Mean quality",
        "lsats history users",
    ):
        assert part in result.out


def test_a_demo_with_other_numbers_says_how_to_start_over(demo: Demo, lsats: Lsats) -> None:
    result = lsats("demo", "--people", "300")
    assert result.code == 2
    assert "holds a campus of 200 people, seed 1; 300 people" in result.err
    assert "LSATS_HOME" in result.err


def test_status_has_a_line_for_every_asset(demo: Demo, lsats: Lsats) -> None:
    lines = {line["asset"]: line for line in lsats("status", "--json").json}
    assert set(lines) == ASSETS
    assert {line["status"] for line in lines.values()} == {"completed"}
    assert not any(line["marks"] for line in lines.values())
    assert lines["silver/users"]["rows"] > PEOPLE / 2
    assert lines["silver/users"]["waiting"] == 0
    assert lines["bronze/tdx_user"]["open_rejects"] > 0
    text = lsats("status").out
    assert all(asset in text for asset in ASSETS)


def test_status_marks_what_is_stale(demo: Demo, lsats: Lsats, monkeypatch) -> None:
    monkeypatch.setenv("LSATS_TODAY", (dt.date.today() + dt.timedelta(days=3)).isoformat())
    assert all("stale" in line["marks"] for line in lsats("status", "--json").json)


def test_the_doctor_finds_everything_well_and_the_campus_simulated(
    demo: Demo, lsats: Lsats
) -> None:
    result = lsats("doctor", "--json")
    assert result.code == 0
    found = {(f["area"], f["name"]): f for f in result.json}
    assert not [f for f in result.json if f["state"] == "failed"]
    for source in ("TeamDynamix", "University API gateway", "MCommunity directory"):
        assert found["sources", f"simulated {source}"]["state"] == "ok"
    assert "200 people" in found["sources", "simulated campus"]["text"]
    assert found["database", "schema"]["state"] == "ok"
    assert found["database", "roles"]["state"] == "ok"


def test_the_doctor_says_what_to_do_about_a_dead_source(
    demo: Demo, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AD_LDAP_URL", "ldap://127.0.0.1:9")
    monkeypatch.setenv("AD_USER", "cn=hub")
    monkeypatch.setenv("AD_PASSWORD", "s3cr3t-word")
    result = lsats("doctor")
    assert result.code == 2  # the hub holds the records of the demonstration
    assert (
        "❌ database  records: database 'lsats_demo' holds the records of a simulated" in result.out
    )
    assert "❌ sources   Active Directory" in result.out
    assert "▶ is the server up, and may this machine reach it" in result.out
    assert "s3cr3t-word" not in result.out + result.err


def test_history_explains_a_merged_row(demo: Demo, lsats: Lsats) -> None:
    person = demo.result.json["example"]
    (summary,) = lsats("history", "users", person.upper(), "--json").json
    newest = summary["versions"][-1]
    assert summary["key"] == newest["values"]["uniqname"] == person
    assert newest["valid_to"] is None
    sources = set(newest["values"]["sources"])
    assert set(newest["sources"].values()) & sources
    assert set(newest["evidence"]) == sources
    assert all(e["raw_id"] and e["run_id"] and e["day"] for e in newest["evidence"].values())
    result = lsats("history", "users", person)
    assert f"silver.users {person}: version" in result.out
    assert "worked out from" in result.out


def a_change() -> tuple[str, str, str]:
    """Table, key and time of a row that the second day changed."""
    for table in SILVER_TABLES:
        rows = query(
            f"select past.{table.identity}, past.valid_to::text from silver.{table.name}_history"
            f" as past join silver.{table.name} using ({table.identity}) order by 1 limit 1"
        )
        if rows:
            return table.name, *rows[0]
    raise AssertionError("the second day changed nothing")


def test_history_shows_what_changed_and_how_it_was(demo: Demo, lsats: Lsats) -> None:
    table, key, changed_at = a_change()
    (summary,) = lsats("history", table, key, "--json").json
    older, newer = summary["versions"][:2]
    assert older["valid_to"] == newer["valid_from"]
    changes = {c["column"]: c for c in newer["changes"]}
    assert changes
    for name, change in changes.items():
        assert (older["values"][name], newer["values"][name]) == (change["before"], change["after"])
    just_before = (dt.datetime.fromisoformat(changed_at) - dt.timedelta(seconds=1)).isoformat()
    (then,) = lsats("history", table, key, "--as-of", just_before, "--json").json
    assert then["versions"] == [older]
    result = lsats("history", table, key, "--as-of", "2020-01-01")
    assert result.code == 2
    assert "is known from" in result.err


def test_history_of_a_typed_row_names_list_and_detail(demo: Demo, lsats: Lsats) -> None:
    ((key,),) = query(
        "select external_id from silver.tdx_users where detail_raw_id is not null limit 1"
    )
    (summary,) = lsats("history", "tdx_users", key, "--json").json
    evidence = summary["versions"][-1]["evidence"]
    assert evidence["list"]["stream"] == "tdx_user"
    assert evidence["detail"]["stream"] == "tdx_user_detail"


def test_history_of_nobody_names_who_is_near(demo: Demo, lsats: Lsats) -> None:
    person = demo.result.json["example"]
    result = lsats("history", "users", person[:-1] + "0")
    assert result.code == 2
    assert person in result.err


def test_rejects_are_listed_filtered_and_shown(demo: Demo, lsats: Lsats) -> None:
    everything = lsats("rejects", "list", "--json").json
    some = lsats("rejects", "list", "--stream", "tdx_user", "--reason", "missing_key", "--json")
    assert {(r["entity"], r["reason"]) for r in some.json} == {("tdx_user", "missing_key")}
    assert len(some.json) < len(everything)
    result = lsats("rejects", "list", "--stream", "tdx_users")
    assert result.code == 2
    assert "tdx_user" in result.err
    broken = next(r for r in everything if r["reason"] == "invalid_utf8")
    shown = lsats("rejects", "show", broken["reject_id"])
    assert broken["external_id"] in shown.out
    assert "\ufffd" in shown.out  # what is no text is shown as such
    assert "handle it as such" in shown.err


def test_a_replay_of_what_is_still_wrong_keeps_it_open(demo: Demo, lsats: Lsats) -> None:
    (before, *_) = lsats("rejects", "list", "--reason", "nul_character", "--json").json
    result = lsats("rejects", "replay", "--id", before["reject_id"], "--json")
    assert result.code == 3
    assert [(r["replayed"], r["refused"]) for r in result.json] == [(0, 1)]
    after = {r["reject_id"]: r for r in lsats("rejects", "list", "--json").json}
    assert after[before["reject_id"]]["attempts"] == before["attempts"] + 1
    # What the last complete read did stays what status shows.
    assert not any(line["marks"] for line in lsats("status", "--json").json)


def test_a_dry_run_writes_nothing(demo: Demo, lsats: Lsats) -> None:
    before = runs()
    steps = {s["asset"]: s for s in lsats("run", "--dry-run", "--json").json}
    assert set(steps) == ASSETS
    assert steps["silver/users"]["amount"] == 0
    assert "read the whole stream" in steps["bronze/tdx_user"]["would"]
    yesterday = (load(HubSettings).today() - dt.timedelta(days=1)).isoformat()
    past = lsats("run", "bronze", "--day", yesterday, "--dry-run").out
    assert "land what was modified" in past
    assert "already observed" in past
    assert runs() == before


def test_a_dry_run_on_nothing_makes_nothing(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    assert len(lsats("run", "--dry-run", "--json").json) == len(ASSETS)
    assert lsats("status", "--json").json == []
    assert lsats("rejects", "list", "--json").json == []
    assert lsats("doctor").code == 0
    assert not (tmp_path / "home").exists()


def test_a_demo_killed_halfway_is_completed_by_the_next(folder: Path) -> None:
    arguments = ("demo", "--people", "200", "--days", "2", "--json")
    env = environment(folder / "home")
    with start(*arguments, env=env, cwd=folder) as victim:
        assert victim.stderr is not None
        for line in victim.stderr:
            if "✅ silver/" in line:  # in the middle of the first day
                victim.send_signal(signal.SIGKILL)
                break
        victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    result = call(*arguments, env=env, cwd=folder)
    assert result.code == 0, result.err
    assert result.json["already_done"] == []
    assert len(result.json["outcomes"]) == 2
    silver = [line for line in result.json["layers"] if line["layer"] == "silver"]
    assert len(silver) == 2


def test_a_stopped_demo_says_so_and_leaves_no_server(folder: Path) -> None:
    home = folder / "other"
    home.mkdir()
    env = environment(home / "home")
    with start("demo", "--people", "200", "--days", "2", env=env, cwd=folder) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "✅ bronze/" in line:
                process.send_signal(signal.SIGTERM)
                break
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    # What sources were at meanwhile may stand before it.
    assert err.splitlines()[-1].startswith("lsats: stopped")
    assert "Traceback" not in err
    deadline = time.monotonic() + 10
    pid_file = home / "home" / "postgres" / "postmaster.pid"
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not pid_file.exists()
