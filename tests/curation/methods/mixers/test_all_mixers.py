"""Contracts of every mixer: weights are not negative, sum to 1, and follow the groups' order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.methods import mixers
from schemas import mixers as models
from tests.curation.methods.mixers.common import numbered, report, weights

LABELS = ["00", "01", "02", "03"]


def example(model: type, folder: Path) -> Any:
    """A valid setting of each mixer for the groups LABELS."""
    if model in (models.RegMix, models.MixingLaw, models.Olmix):
        draw = np.random.default_rng(0)
        rows = [",".join([*LABELS, "loss"])]
        for mixture in draw.dirichlet(np.ones(4), size=64):
            rows.append(",".join(f"{x:.6f}" for x in [*mixture, 2 + mixture[0] ** 2]))
        (folder / "runs.csv").write_text("\n".join(rows))
    graph = {a: {b: float(a >= b) for b in LABELS} for a in LABELS}
    runs = str(folder / "runs.csv")
    extra: dict[type, dict[str, Any]] = {
        models.Fixed: {"weights": {"00": 0.5, "03": 0.5}},
        models.Pools: {"pools": {"x": ["00"], "y": ["01", "02"]}, "weights": {"x": 0.3, "y": 0.7}},
        models.PowerLawRehearsal: {"tasks": ["02", "00"]},
        models.ExponentialRehearsal: {"tasks": ["02", "00"]},
        models.SkillIt: {"graph": graph, "online": True},
        models.RegMix: {"runs": runs, "target": "loss", "simulations": 500, "best": 16},
        models.MixingLaw: {"runs": runs, "targets": {"loss": 1}},
        models.Olmix: {"runs": runs, "targets": {"loss": 1}},
    }
    method = model.model_fields["method"].annotation.__args__[0]  # type: ignore[attr-defined]
    return model.model_validate({"method": method, **extra.get(model, {})})  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", list(mixers.FUNCTIONS), ids=lambda model: model.__name__)
def test_weights_are_on_the_simplex(model: type, tmp_path: Path) -> None:
    if model is models.RegMix:
        pytest.importorskip("lightgbm")
    params = example(model, tmp_path)
    rows = [
        {"group": a, "probe": b, "loss": 1.5 + int(a) / 9 - (a == b) / 5, "ref_loss": 1.6, "alignment": int(a) - 1.0}
        for a in LABELS
        for b in LABELS
    ]
    losses = report(tmp_path, rows)
    few = 5 if model in (models.RegMix, models.MixingLaw, models.Olmix) else 25

    @settings(max_examples=few, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(tokens=st.lists(st.integers(1, 10**12), min_size=4, max_size=4))
    def check(tokens: list[int]) -> None:
        got = weights(numbered(*tokens), params, losses=losses, budget=float(sum(tokens)))
        assert got.shape == (4,)
        assert (got >= 0).all()
        assert got.sum() == pytest.approx(1, abs=1e-9)

    check()
    json.dumps(params.model_dump())
