"""DoGE's update."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from curation.methods.mixers.doge import update
from schemas.mixers import DoGE
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, weights


def test_update(vector: Vector, tmp_path: Path) -> None:
    given = vector("doge.update")
    scores = np.array(given["input"]["scores(lr*<g_i,g_val>/avg_norm, clipped to [0,5lr])"])
    np.testing.assert_allclose(update(np.full(3, 1 / 3), scores, 0.01), given["output"]["w1"], atol=1e-6)
    alignments = [2.0, -1.0, 70.0]  # clipped to 0 and 5
    rows = [{"group": f"{i:02}", "alignment": a} for i, a in enumerate(alignments)]
    got = weights(numbered(1, 1, 1), DoGE(method="doge"), losses=report(tmp_path, rows))
    np.testing.assert_allclose(got, given["output"]["w1"], atol=1e-6)
