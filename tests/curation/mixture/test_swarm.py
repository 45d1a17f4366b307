"""A run's order over the texts that all runs share."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.mixture.swarm import in_order


@given(st.integers(1, 300), st.integers(1, 5), st.randoms(use_true_random=False))
def test_each_once_and_a_pass_in_the_order_of_the_texts(texts: int, passes: int, draw: np.random.Generator) -> None:
    chosen = [sorted(draw.sample(range(texts), draw.randint(1, texts))) for _ in range(passes)]
    rows = np.concatenate([np.array(one) for one in chosen])
    of = np.repeat(np.arange(passes), [len(one) for one in chosen])
    order = in_order(rows, of, texts)
    assert sorted(order.tolist()) == list(range(len(rows)))
    for number in range(passes):
        read = rows[order][of[order] == number]
        turned = int((np.diff(read) < 0).sum())  # where it begins anew, once
        assert turned <= (number > 0)
        assert sorted(read.tolist()) == chosen[number]


def test_the_copies_of_a_document_are_spread() -> None:
    rows, passes = np.tile(np.arange(1000), 4), np.repeat(np.arange(4), 1000)
    order = in_order(rows, passes, 1000)
    place = np.empty(4000)
    place[order] = np.arange(4000)
    apart = np.diff(np.sort(place.reshape(4, 1000), axis=0), axis=0)
    assert apart.min() > 4000 / 4 / 2.5
