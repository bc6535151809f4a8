"""Price files in PostgreSQL: the same rows, one version at a time, whatever is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.errors import Busy, ConfigurationError, PermanentError, TransientError
from lsats_pipeline.mrf.database import load_publication, loading, partitions, relational
from lsats_pipeline.mrf.database.copying import VISIBLE_NUL
from lsats_pipeline.mrf.database.loading import (
    Loaded,
    LoadPace,
    load_file,
    loaded_files,
    unload_file,
)
from lsats_pipeline.mrf.database.table_definitions import STORED, TableIndex
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.text.index import IndexOptions
from lsats_pipeline.synthetic.price_files import Manifest, PriceFile, write_price_file
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.mrf.files import HEADER, item, price, reference, rows, taken, text

# Items, rates, terms, prices and provider references; what has rows of files has a partition more.
TABLES_OF_A_FILE = 5 + 2
# Awkward in COPY, in array literals, in JSON, or in all of them.
HOSTILE = "\t\n\r\\N \\ \" {a,b} '; drop table x; -- \u2028 é 𝄞 \x7f \\. null"


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return tmp_path / "mrf"


def loaded(warehouse: Warehouse, exports: Path, file: str = "prices", **more: Any) -> Loaded:
    return load_file(warehouse, exports, file, **{"connections": 2, **more})


def stored(warehouse: Warehouse, table: str, file: str = "prices") -> list[dict[str, Any]]:
    with warehouse.connection() as connection:
        found = connection.cursor(row_factory=dict_row).execute(
            sql.SQL("select * from {} where file = %s").format(relational.table(table)), [file]
        )
        return found.fetchall()


def tables_of(warehouse: Warehouse) -> set[str]:
    """Every partition and shard of the schema, published or not."""
    found = warehouse.query(
        "select relname from pg_class where relnamespace = 'mrf'::regnamespace"
        " and relkind in ('r', 'p') and relname ~ '_[0-9a-f]{12}_'"
    )
    return {row[0] for row in found}


def generated(tmp_path: Path, exports: Path, **options: Any) -> Manifest:
    """A generated file of several spans, published as `prices`."""
    file = tmp_path / "prices.json.gz"
    manifest = write_price_file(file, PriceFile(**{"megabytes": 1, "seed": 3, **options}))
    ingest(file, exports, IngestOptions(1, IndexOptions(span=128 << 10)))
    return manifest


def of_codes(tmp_path: Path, *codes: str) -> Path:
    """A file with these codes is published."""
    taken(
        tmp_path, text(provider_references=[reference()], in_network=[item(code) for code in codes])
    )
    return tmp_path / "mrf"


def written(row: dict[str, Any]) -> str:
    """A row as text; jsonb keeps no order of keys."""
    return json.dumps(row, sort_keys=True)


def codes(warehouse: Warehouse) -> list[str]:
    return sorted(row["billing_code"] for row in stored(warehouse, "in_network"))


@pytest.mark.parametrize("connections", [1, 3])
def test_counts_and_cents_are_those_of_the_generator(
    tmp_path: Path, exports: Path, warehouse: Warehouse, connections: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(partitions, "_FEW_ROWS", 10)
    made = generated(tmp_path, exports, faults=0.02)
    done = loaded(warehouse, exports, connections=connections)
    assert done.rows["in_network"] == made.prices
    assert done.rows["rejects"] == len(made.faults) > 3
    assert warehouse.query(
        "select count(*), sum(round(negotiated_rate::numeric * 100)),"
        " sum(cardinality(provider_references)) from mrf.in_network"
    ) == [(made.prices, made.cents, warehouse_entries(exports))]
    assert warehouse.query(
        "select count(*), sum(cardinality(npi)) from mrf.provider_references"
    ) == [(made.groups, made.npis)]
    assert warehouse.query("select file, sha256 from mrf.loaded") == [
        ("prices", published(exports))
    ]


def warehouse_entries(exports: Path) -> int:
    """Reference entries in all rows of the Parquet files."""
    import pyarrow.dataset as ds

    table = ds.dataset(exports / "prices" / "in_network").to_table(["provider_references"])
    return len(table[0].combine_chunks().flatten())


def published(exports: Path) -> str:
    return str(json.loads((exports / "prices" / "file.json").read_text())["sha256"])


def test_allowed_amounts_have_their_charges_as_json(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    made = generated(tmp_path, exports, kind="allowed-amounts", megabytes=0.3)
    assert loaded(warehouse, exports).rows["allowed_amounts"] == made.payments > 100
    assert warehouse.query(
        "select count(*) filter (where jsonb_typeof(providers -> 0 -> 'npi') = 'array'),"
        " sum(round(allowed_amount::numeric * 100)) from mrf.allowed_amounts"
    ) == [(made.payments, made.cents)]


def test_every_cell_is_what_the_parquet_files_have(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    code = {"billing_code_type": "CPT", "billing_code_type_version": "1", "billing_code": HOSTILE}
    rates: list[dict[str, Any]] = [
        {
            "negotiated_prices": [
                price(1e-7, service_code=[HOSTILE, "", "NULL", '"']),
                price(123456789012.34, service_code=[], billing_code_modifier=["a b", "{}"]),
                price(0, additional_information="", setting=HOSTILE),
            ],
            "provider_references": [1, -(2**63), 2**63 - 1],
        },
        {"negotiated_prices": [price()], "provider_references": []},
        {"negotiated_prices": [price(), price(3)]},
    ]
    elements = [
        item("A", *rates, name=HOSTILE, bundled_codes=[code, {**code, "description": HOSTILE}]),
        item("B", covered_services=[]),
        item("\\N"),
        {"not": "an element", "text": HOSTILE},
    ]
    groups = [{"npi": [], "tin": {"type": "ein", "value": HOSTILE, "business_name": "\\."}}]
    references = [
        {"provider_group_id": 7, "provider_groups": groups, "network_name": [HOSTILE, ""]},
        {"provider_group_id": 8, "location": "https://example.org/a.json"},
    ]
    outcome = taken(tmp_path, text(in_network=elements, provider_references=references))
    done = loaded(warehouse, exports)
    assert (done.rows["in_network"], done.rows["rejects"], done.substituted) == (8, 1, 0)
    for name in TABLES:
        expected = rows(outcome, tmp_path, name)
        assert sorted(map(written, stored(warehouse, name))) == sorted(map(written, expected))


def test_a_nul_is_replaced_and_counted_and_loses_nothing(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    code = {"billing_code_type": "\0", "billing_code_type_version": "1", "billing_code": "1"}
    elements = [item("a\0b", name="x\0"), item("c", bundled_codes=[code])]
    taken(tmp_path, text(in_network=[*elements, {"bad": "\0"}], provider_references=[reference()]))
    assert loaded(warehouse, exports).substituted == 3
    assert codes(warehouse) == [f"a{VISIBLE_NUL}b", "c"]
    assert warehouse.query("select nul_substituted from mrf.loaded") == [(3,)]
    assert loaded(warehouse, exports).substituted == 3


def test_the_same_again_changes_nothing(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1", "2")
    first = loaded(warehouse, exports)
    state = warehouse.query(
        "select relname, relfilenode from pg_class where relnamespace = 'mrf'::regnamespace"
        " union all select file, xmin::text::int from mrf.loaded order by 1"
    )
    again = loaded(warehouse, exports)
    assert (first.state, again.state, again.rows) == ("loaded", "unchanged", first.rows)
    assert state == warehouse.query(
        "select relname, relfilenode from pg_class where relnamespace = 'mrf'::regnamespace"
        " union all select file, xmin::text::int from mrf.loaded order by 1"
    )


def test_a_new_version_replaces_its_file_alone(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1", "2")
    shutil.copytree(exports / "prices", exports / "other")
    about = json.loads((exports / "other" / "file.json").read_text())
    (exports / "other" / "file.json").write_text(json.dumps({**about, "file": "other"}))
    loaded(warehouse, exports)
    of_codes(tmp_path, "3")
    assert loaded(warehouse, exports).state == "loaded"
    assert codes(warehouse) == ["3"]
    of_codes(tmp_path, "1", "2")  # and back again
    assert loaded(warehouse, exports).state == "loaded"
    assert codes(warehouse) == ["1", "2"]
    assert loaded_files(warehouse) == ["prices"]
    assert len(tables_of(warehouse)) == TABLES_OF_A_FILE


def test_taking_out_leaves_no_trace(tmp_path: Path, exports: Path, warehouse: Warehouse) -> None:
    assert unload_file(warehouse, "prices") == 0
    assert loaded_files(warehouse) == []
    of_codes(tmp_path, "1", "2")
    loaded(warehouse, exports)
    assert unload_file(warehouse, "prices") == 3
    assert tables_of(warehouse) == set()
    assert loaded(warehouse, exports).state == "loaded"


def test_readers_see_one_version_or_the_other(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    versions = [("1", "1", "1"), ("2", "2")]
    of_codes(tmp_path, *versions[0])
    loaded(warehouse, exports)
    seen, stop = set(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            found = warehouse.query(
                "select (select row_counts ->> 'in_network' from mrf.loaded),"
                " (select array_agg(billing_code) from mrf.in_network)"
            )
            seen.add((found[0][0], tuple(found[0][1])))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for version in versions[::-1] * 3:
            of_codes(tmp_path, *version)
            loaded(warehouse, exports)
    finally:
        stop.set()
        reader.join()
    assert seen == {("3", versions[0]), ("2", versions[1])}


def test_a_reader_who_does_not_end_holds_up_the_last_step_alone(
    tmp_path: Path, exports: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    of_codes(tmp_path, "2")
    for name, value in (("_TRIES", 2), ("_TRY_MS", 20), ("_PAUSE", 0.01)):
        monkeypatch.setattr(load_publication, name, value)
    with psycopg.connect(warehouse.url) as reader:
        reader.execute("select count(*) from mrf.in_network")
        with pytest.raises(TransientError, match="pg_stat_activity"):
            loaded(warehouse, exports)
        assert codes(warehouse) == ["1"]
    done = loaded(warehouse, exports)
    assert (done.state, done.shards_resumed) == ("loaded", 2)
    assert codes(warehouse) == ["2"]


@pytest.mark.parametrize("step", ["forget", "_attach", "_record_loaded"])
@pytest.mark.parametrize("after", [False, True])
def test_a_fault_at_any_step_of_the_end_leaves_the_old(
    tmp_path: Path, exports: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch,
    step: str, after: bool,
) -> None:  # fmt: skip
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    of_codes(tmp_path, "2")
    real: Callable[..., None] = getattr(load_publication, step)

    def failing(*args: Any) -> None:
        if after:
            real(*args)
        raise PermanentError("injected")

    with monkeypatch.context() as patch:
        patch.setattr(load_publication, step, failing)
        with pytest.raises(PermanentError, match="injected"):
            loaded(warehouse, exports)
    assert codes(warehouse) == ["1"]
    assert len(stored(warehouse, "provider_references")) == 1
    assert loaded(warehouse, exports).shards_resumed == 2
    assert codes(warehouse) == ["2"]
    assert len(tables_of(warehouse)) == TABLES_OF_A_FILE


VICTIM = """
import sys, time
from pathlib import Path
from lsats_pipeline.mrf.database import load_publication, loading, partitions, relational
from lsats_pipeline.warehouse import Warehouse

def stop(*args):
    print("here", flush=True)
    time.sleep(600)

partitions._MOST_ROWS = 500
url, exports, point = sys.argv[1:]
if point == "copy":
    real, seen = relational.index, []
    relational.index = lambda *args: stop() if len(seen) > 7 else (seen.append(1), real(*args))
elif point == "publish":
    load_publication._record_loaded = stop
elif point == "attach":
    load_publication._attach = stop
with Warehouse(url) as warehouse:
    loading.load_file(warehouse, Path(exports), "prices", connections=1)
"""


@pytest.mark.parametrize(("point", "resumed"), [("copy", 2), ("attach", 3), ("publish", 3)])
def test_killed_anywhere_the_old_stays_and_the_next_load_completes(
    tmp_path: Path, exports: Path, warehouse: Warehouse, point: str, resumed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    made = generated(tmp_path, exports, megabytes=0.6)
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, warehouse.url, str(exports), point],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with victim:
        assert victim.stdout is not None
        reached = victim.stdout.readline()
        victim.kill()
    assert reached == "here\n"
    assert codes(warehouse) == ["1"]
    monkeypatch.setattr(partitions, "_MOST_ROWS", 500)
    done = loaded(warehouse, exports, connections=1)
    assert (done.rows["in_network"], done.state) == (made.prices, "loaded")
    assert done.shards_resumed == resumed
    assert len(stored(warehouse, "in_network")) == made.prices
    tree = warehouse.query(
        "select relid::regclass::text from unnest(%s::text[]) name,"
        " pg_partition_tree('mrf.' || name) where level > 0",
        [list(STORED)],
    )
    assert {name for (name,) in tree} == {f"mrf.{name}" for name in tables_of(warehouse)}


def test_the_second_load_of_a_file_at_once_is_refused(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    with warehouse.writer("mrf-load/prices"), pytest.raises(Busy):
        loaded(warehouse, exports)


def test_what_cannot_be_loaded_is_said_with_a_remedy(
    tmp_path: Path, exports: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="lsats mrf run"):
        loaded(warehouse, exports)
    of_codes(tmp_path, "1")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "GROWTH", 10**15)
        with pytest.raises(PermanentError, match="bytes free"):
            loaded(warehouse, exports, server=tmp_path)
    loaded(warehouse, exports)
    rejects = replace(STORED["rejects"], indexes=(TableIndex(("reason",)),))
    monkeypatch.setitem(STORED, "rejects", rejects)
    of_codes(tmp_path, "2")
    with pytest.raises(ConfigurationError, match="unload --all"):
        loaded(warehouse, exports)
    assert codes(warehouse) == ["1"]
    assert unload_file(warehouse, "prices") == 2
    assert loaded(warehouse, exports).state == "loaded"


def test_a_part_with_fewer_rows_than_were_published_is_not_loaded(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1", "2")
    next((exports / "prices" / "provider_references").glob("*.parquet")).unlink()
    with pytest.raises(PermanentError, match=r"1 rows as published, and 0 were"):
        loaded(warehouse, exports)
    assert loaded_files(warehouse) == []


def test_readers_may_read_and_not_write(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        connection.execute("set role lsats_reader")
        for table in (*TABLES, "loaded", "prices_with_providers"):
            connection.execute(sql.SQL("select * from {}").format(relational.table(table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from mrf.loaded")


def test_prices_with_providers_loses_no_price(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    rate = {"negotiated_prices": [price()]}
    elements = [
        item("1", {**rate, "provider_references": [1, 2, 9]}),
        item("2", {**rate, "provider_references": []}),
        item("3", rate),
    ]
    two = [reference(1, 11), reference(2, 22, 23)]
    taken(tmp_path, json.dumps({**HEADER, "in_network": elements, "provider_references": two}))
    loaded(warehouse, exports)
    assert warehouse.query(
        "select billing_code, provider_group_id, npi from mrf.prices_with_providers order by 1, 2"
    ) == [("1", 1, [11]), ("1", 2, [22, 23]), ("1", 9, None), ("2", None, None), ("3", None, None)]


def documented() -> list[str]:
    """The queries of the README."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = [part.split("```")[0] for part in text.split("```sql\n")[1:]]
    return [query.strip() for query in block.split(";") if query.strip()]


def test_the_documented_queries_find_their_rows_by_index(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    made = generated(tmp_path, exports)
    loaded(warehouse, exports)
    ((code, npi),) = warehouse.query(
        "select (select billing_code from mrf.in_network where billing_code_type = 'CPT' limit 1),"
        " (select npi[1] from mrf.provider_references limit 1)"
    )
    queries = [q.replace("99213", code).replace("1234567890", str(npi)) for q in documented()]
    assert len(queries) == 5
    with warehouse.connection() as connection:
        # The tables of a test are so small that reading them whole is cheaper.
        connection.execute("set enable_seqscan = off")
        for query in queries:
            plan = "\n".join(row[0] for row in connection.execute(f"explain {query}".encode()))
            assert "Index Scan" in plan, plan
            assert "Seq Scan on in_network" not in plan, plan
        connection.execute("reset enable_seqscan")
    run = lambda query: warehouse.query(sql.SQL(query))  # noqa: E731
    assert made.prices > len(run(queries[0])) > 0
    assert len(run(queries[3])) > 0


def test_a_reference_to_another_file_has_the_groups_of_that(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    rate = {"negotiated_prices": [price()], "provider_references": [1, 2]}
    away = {"provider_group_id": 2, "location": "https://example.org/a.json"}
    taken(
        tmp_path, text(in_network=[item("1", rate)], provider_references=[reference(1, 11), away])
    )
    who = "select provider_group_id, npi, location from mrf.prices_with_providers order by 1, 2"
    loaded(warehouse, exports)
    assert warehouse.query(who) == [(1, [11], None), (2, None, away["location"])]
    groups = [
        {"file": "prices", "span": -2, "element": n, "provider_group_id": 2, "inline": False,
         "location": away["location"], "npi": [n], "tin_type": "ein", "tin_value": "1"}
        for n in (21, 22)
    ]  # fmt: skip
    folder = exports / "prices" / "provider_files"
    folder.mkdir()
    pq.write_table(
        pa.Table.from_pylist(groups, TABLES["provider_references"]), folder / "0.parquet"
    )
    done = loaded(warehouse, exports)
    assert (done.state, done.rows["provider_files"]) == ("loaded", 2)
    assert [row[:2] for row in warehouse.query(who)] == [(1, [11]), (2, [21]), (2, [22])]
    assert loaded(warehouse, exports).state == "unchanged"
    shutil.rmtree(folder)
    assert loaded(warehouse, exports).rows["provider_files"] == 0
    assert [row[:2] for row in warehouse.query(who)] == [(1, [11]), (2, None)]


def test_what_is_stored_as_one_table_is_unloaded_and_loaded_again(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    of_codes(tmp_path, "1")
    loaded(warehouse, exports)
    partition = partitions.partition_of("in_network", "prices", "0123456789")
    with warehouse.owner() as owner:
        owner.execute("drop view mrf.in_network cascade")
        owner.execute("drop table mrf.in_network_items, mrf.in_network_rates")
        owner.execute("create table mrf.in_network (file text) partition by list (file)")
        owner.execute(
            sql.SQL("create table {} partition of mrf.in_network for values in ('prices')").format(
                relational.table(partition)
            )
        )
        for table in ("in_network", partition):
            owner.execute(
                sql.SQL("alter table {} owner to lsats_etl").format(relational.table(table))
            )
        owner.execute("update meta.declarations set fingerprint = 'other' where name = 'mrf'")
    with pytest.raises(ConfigurationError, match="unload --all"):
        loaded(warehouse, exports)
    assert unload_file(warehouse, "prices") == 2
    assert tables_of(warehouse) == set()
    assert loaded(warehouse, exports).state == "loaded"
    assert codes(warehouse) == ["1"]


def test_progress_ends_with_every_row_and_all_text(
    tmp_path: Path, exports: Path, warehouse: Warehouse
) -> None:
    made = generated(tmp_path, exports)
    seen: list[LoadPace] = []
    loaded(warehouse, exports, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1].rows == seen[-1].of_rows == made.prices + made.groups
    assert seen[-1].text == seen[-1].of_text == made.text
