"""DoReMi: the official update, and the same from a loss report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curation.methods.mixers.doremi import updates
from curation.mixture.plan import Feedback
from schemas.errors import RecipeError
from schemas.mixers import DoReMi
from tests.conftest import Vector
from tests.curation.methods.mixers.common import numbered, report, weights
from tests.curation.methods.schedules.common import planned, pool


def test_the_official_update(vector: Vector) -> None:
    given = vector("doremi.official_update")
    out = given["output"]
    steps = updates(np.array(given["input"]["w0"]), np.array([out["scores1"], out["scores2"]]), eta=1.0, smoothing=1e-4)
    np.testing.assert_allclose(steps[0], out["w1"], atol=1e-6)
    np.testing.assert_allclose(steps[1], out["w2"], atol=1e-6)
    np.testing.assert_allclose(steps.mean(axis=0), out["running_average_after_2"], atol=1e-6)


def test_from_a_report_a_missing_domain_keeps_its_excess(tmp_path: Path, vector: Vector) -> None:
    out = vector("doremi.official_update")["output"]
    rows = []
    for step, scores in enumerate([out["scores1"], out["scores2"]]):
        for group, score in enumerate(scores):
            if not (step == 1 and group == 3):  # absent: its last value holds
                rows.append(
                    {"step": step, "eval_index": step, "group": f"{group:02}", "loss": 2 + score, "ref_loss": 2.0}
                )
    params = DoReMi(method="doremi")
    got = weights(numbered(1, 1, 1, 1), params, losses=report(tmp_path, rows))
    np.testing.assert_allclose(got, out["running_average_after_2"], atol=1e-6)
    last = weights(numbered(1, 1, 1, 1), DoReMi(method="doremi", average=False), losses=report(tmp_path, rows))
    np.testing.assert_allclose(last, out["w2"], atol=1e-6)


def test_a_report_without_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="ref_loss"):
        weights(numbered(1), DoReMi(method="doremi"), losses=report(tmp_path, [{"group": "00", "loss": 1.0}]))
    with pytest.raises(RecipeError, match="--losses"):
        weights(numbered(1), DoReMi(method="doremi"))


def test_a_report_may_tell_of_domains_that_the_phase_does_not_draw_from(tmp_path: Path) -> None:
    documents = pool(40, domain=[domain for domain in "abcd" for _ in range(10)])
    mixture = {"by": "domain", "method": "doremi"}
    phase = {"name": "one", "records": 8, "mixture": mixture, "pool": {"where": {"domain": ["a", "b"]}}}
    rows = [{"group": group, "loss": 2.0 + i, "ref_loss": 2.0} for i, group in enumerate("abcd")]
    got = planned(documents, [phase], Feedback(report(tmp_path, rows)))[0].phases[0].weights
    alone = planned(documents, [phase], Feedback(report(tmp_path, rows[:2])))[0].phases[0].weights
    assert got == alone
    assert got[1] > got[0]
    with pytest.raises(RecipeError, match="unknown group 'e'"):
        planned(documents, [phase], Feedback(report(tmp_path, [*rows, {"group": "e", "loss": 1.0, "ref_loss": 1.0}])))
