"""Aioli: the official update, with and without moving average, and from a report of probes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.methods.mixers.aioli import interactions, probe_matrix
from schemas.errors import RecipeError
from schemas.mixers import Aioli
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, weights


def test_interactions(vector: Vector) -> None:
    given = vector("aioli.update")
    probes = probe_matrix(3, given["input"]["one_hot_factor"])
    np.testing.assert_allclose(probes, given["input"]["mixture_matrix_P(rows=trained mixture)"])
    for number in (1, 2):
        got = interactions(probes, np.array(given["input"][f"G_round{number}"]))
        np.testing.assert_allclose(got, given["output"][f"A_round{number}_normalised"], atol=1e-6)


@pytest.mark.parametrize(
    ("ema", "field"), [(0.1, "p_round2_ema(from uniform)"), (0.0, "p_round2_no_ema(multiplicative carry-over)")]
)
def test_from_a_report(vector: Vector, tmp_path: Path, ema: float, field: str) -> None:
    given = vector("aioli.update")
    rows = [
        {
            "round": r,
            "probe": f"{j:02}",
            "group": f"{i:02}",
            "ref_loss": 1.0,
            "loss": 1.0 - given["input"][f"G_round{r + 1}"][i][j],
        }
        for r in (0, 1)
        for i in range(3)
        for j in range(3)
    ]
    params = Aioli(method="aioli", ema=ema)
    np.testing.assert_allclose(
        weights(numbered(1, 1, 1), params, losses=report(tmp_path, rows)), given["output"][field], atol=1e-6
    )
    one = [row for row in rows if row["round"] == 0]
    np.testing.assert_allclose(
        weights(numbered(1, 1, 1), params, losses=report(tmp_path, one)), given["output"]["p_round1"], atol=1e-6
    )
    with pytest.raises(RecipeError, match="round 0: no loss of '02' with the probe '02'"):
        weights(numbered(1, 1, 1), params, losses=report(tmp_path, one[:-1]))
