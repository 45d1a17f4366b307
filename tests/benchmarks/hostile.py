"""Reading files that are made to hurt (`tests/hostile.py`): MB of plain bytes a second, and the most memory held on top.

python -m tests.benchmarks.hostile [--megabytes 100] [--only "blank lines"]
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from pathlib import Path

from tests.benchmarks.processes import alone, held_bytes, peak_bytes
from tests.hostile import KINDS

LIMIT_SECONDS = 120


def read(folder: str, kind: str, size: int) -> tuple[float, int, int, int, str]:
    """Seconds, bytes held on top, documents, rows set aside, and what was said first."""
    from curation.readers.formats import by_name
    from curation.readers.read_files import Wanted, read

    path = KINDS[kind](Path(folder), size)
    form, compression = by_name(path.name) or ("", None)
    before = held_bytes()
    signal.alarm(LIMIT_SECONDS)
    started = time.perf_counter()
    documents = bad = 0
    said = ""
    for batch in read(str(path), Wanted(batch_bytes=4_000_000), format=form, compression=compression):
        documents += len(batch.documents)
        bad += len(batch.bad_rows)
        said = said or (batch.bad_rows[0][1] if batch.bad_rows else "") or batch.fault or ""
    return time.perf_counter() - started, peak_bytes() - before, documents, bad, said


def main() -> None:
    """Print a line a kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--only", nargs="+", default=list(KINDS))
    asked = parser.parse_args()
    size = asked.megabytes * 1_000_000
    for kind in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            try:
                seconds, held, documents, bad, said = alone(read, folder, kind, size)
            except Exception as error:
                print(f"{kind:32} ended: {type(error).__name__} (over {LIMIT_SECONDS} s, or out of memory)", flush=True)
                continue
        speed = size / 1e6 / seconds
        print(f"{kind:32} {speed:8.0f} MB/s {held / 1e6:7.0f} MB {documents:9,} {bad:11,}  {said[:60]}", flush=True)


if __name__ == "__main__":
    main()
