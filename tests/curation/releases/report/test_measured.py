"""Histograms with thresholds: what drops is coloured so, hostile names are escaped, nothing measured is no picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.releases.report.charts import DROPPED, KEPT
from curation.releases.report.measured import BINS, histograms


def write(folder: Path, **columns: tuple[list[float | None], dict[str, str]]) -> None:
    (folder / "statistics").mkdir(exist_ok=True)
    schema = pa.schema([pa.field(name, pa.float64(), metadata=metadata) for name, (_, metadata) in columns.items()])
    table = pa.table([pa.array(values, pa.float64()) for values, _ in columns.values()], schema=schema)
    pq.write_table(table, folder / "statistics" / f"{len(list((folder / 'statistics').iterdir()))}.parquet")


def test_what_drops_has_its_own_colour(tmp_path: Path) -> None:
    values = list(np.linspace(0, 1, BINS * 3))
    write(tmp_path, **{"c4.few": (values, {"drops": "<", "bound": "0.25"})})
    write(tmp_path, **{"c4.few": ([0.5], {"drops": "<", "bound": "0.25"})})
    page = histograms(str(tmp_path))
    assert page.count(f'fill="{DROPPED}"') == BINS // 4
    assert page.count(f'fill="{KEPT}"') == BINS - BINS // 4
    assert page.count("stroke-dasharray") == 1
    assert "drops &lt; 0.25" in page


def test_odd_columns(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "<script>": ([1.0, 1.0], {}),
            "never": ([None, float("nan")], {"drops": ">", "bound": "3"}),
            "endless": ([float("inf"), 2.0], {"drops": ">", "bound": "1"}),
            "long": ([1e9, 0.0], {"drops": ">", "bound": "0.1"}),
        },
    )
    page = histograms(str(tmp_path))
    assert "<script>" not in page
    assert page.count("<svg") == 3
    assert "long: 0 to 1" in page


def test_nothing_kept(tmp_path: Path) -> None:
    assert "keep_statistics" in histograms(str(tmp_path))
