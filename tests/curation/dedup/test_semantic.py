"""Greedy semantic duplicates against a plain loop, whatever the blocks."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import semantic
from curation.dedup.semantic import leads


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from([1, 4, 512]))
def test_leads_are_those_of_a_plain_loop(seed: int, n: int, bound: float, block: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept: list[int] = []
    wanted, value = list(range(n)), [1.0] * n
    for i in range(n):
        alike = [float(vectors[i] @ vectors[k]) for k in kept]
        if alike and max(alike) >= bound:
            wanted[i], value[i] = kept[int(np.argmax(alike))], min(max(alike), 1.0)
        else:
            kept.append(i)
    with patch.object(semantic, "BLOCK", block), patch.object(semantic, "KEPT_AT_ONCE", 3):
        lead, similarity = leads(vectors, bound)
    assert lead.tolist() == wanted
    np.testing.assert_allclose(similarity, value, atol=1e-12)
