"""However large an element is, a run of it stays under 512 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from isal import igzip

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline_tests.mrf.files import item, price, reference
from lsats_pipeline_tests.mrf.files import text as document

LIMIT_MB = 512
RUN = """
import sys
from pathlib import Path
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
outcome = ingest(Path(sys.argv[1]), Path(sys.argv[2]), IngestOptions(1))
# Not what getrusage says: that begins with what the process had that started this one.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0])
print(outcome.published.sums.rows["in_network"], peak // 1024)
"""
RATES = 300_000


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_an_element_of_a_hundred_megabytes(tmp_path: Path) -> None:
    """Read whole, its text, its copy and its objects would take three times the limit."""
    rate = {"negotiated_prices": [price(1), price(2)], "provider_references": list(range(20))}
    begin, end = document(
        provider_references=[reference()], in_network=[item("1", {"@": 1}), item("2")]
    ).split('{"@": 1}')
    one = str(rate).replace("'", '"')
    file = tmp_path / "large.json.gz"
    with igzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(begin.encode() + one.encode())
        packed.write(f",{one}".encode() * (RATES - 1))
        packed.write(end.encode())
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(file), str(tmp_path / "mrf")],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    prices, peak = map(int, done.stdout.split())
    assert len(one) * RATES > 100_000_000
    assert prices == 2 * RATES + 1
    assert peak < LIMIT_MB
