"""Mixtures inside others: each level sees its own labels, budget and feedback."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from curation.methods.mixers import MixContext, Sizes, mix
from schemas.errors import RecipeError
from schemas.groups import joined, parted
from schemas.mixers import Mixture

ADAPTER: TypeAdapter[Any] = TypeAdapter(Mixture)
LABELS = tuple(sorted(joined((topic, step)) for topic in ("a/b", "c") for step in ("1", "2")))
SIZES = Sizes(LABELS, np.array([1, 2, 3, 4]), np.array([100, 300, 200, 200]))


def weights(context: MixContext | None = None, **fields: Any) -> dict[str, float]:
    found = mix(SIZES, ADAPTER.validate_python(fields), context or MixContext())
    return dict(zip(LABELS, found.tolist(), strict=True))


def test_the_outer_first_then_the_inner() -> None:
    inside = {"by": "step", "method": "fixed", "weights": {"1": 0.9, "2": 0.1}}
    found = weights(by="topic", method="fixed", weights={"a/b": 0.2, "c": 0.8}, inside=inside)
    assert found == pytest.approx({"a%2Fb/1": 0.18, "a%2Fb/2": 0.02, "c/1": 0.72, "c/2": 0.08})


def test_both_proportional_is_proportional() -> None:
    found = weights(by="topic", inside={"by": "step"})
    assert found == pytest.approx(dict(zip(LABELS, SIZES.tokens / 800, strict=True)))


def test_several_names_are_groups_of_their_own() -> None:
    found = weights(by=["topic", "step"], method="fixed", weights={"a/b": {"1": 0.5}, "c/2": 0.5})
    assert found == {"a%2Fb/1": 0.5, "a%2Fb/2": 0, "c/1": 0, "c/2": 0.5}


def test_the_inner_knows_what_its_group_gets() -> None:
    """UniMax's cap binds by the budget of the topic, not of the phase."""
    inside = {"by": "step", "method": "unimax", "epochs": 1}
    found = weights(MixContext(budget=600), by="topic", method="uniform", inside=inside)
    assert found["a%2Fb/1"] == pytest.approx(100 / 600)
    assert found["a%2Fb/2"] == pytest.approx(200 / 600)


def test_held_weights_reach_each_level() -> None:
    held = {"a%2Fb/1": 0.1, "a%2Fb/2": 0.3, "c/1": 0.6, "c/2": 0.0}
    inside = {"by": "step", "method": "doremi", "without_losses": "hold"}
    found = weights(MixContext(held=held), by="topic", method="doremi", without_losses="hold", inside=inside)
    assert found == pytest.approx(held)


def test_errors_name_the_level() -> None:
    with pytest.raises(RecipeError) as error:
        weights(by="topic", inside={"by": "step", "method": "fixed", "weights": {"1": 0.9}})
    assert error.value.place == "mixture.inside.weights"


def test_what_is_of_the_innermost_is_said_there() -> None:
    with pytest.raises(ValidationError, match=r"write inside\.max_epochs"):
        ADAPTER.validate_python({"by": "topic", "max_epochs": 2, "inside": {"by": "step"}})
    with pytest.raises(ValidationError, match="names 'step' twice"):
        ADAPTER.validate_python({"by": "step", "inside": {"by": "step"}})
    pools = {"method": "pools", "pools": {"x": ["a"]}, "weights": {"x": 1}}
    with pytest.raises(ValidationError, match="leave out inside"):
        ADAPTER.validate_python({**pools, "by": "topic", "inside": {"by": "step"}})
    again = ADAPTER.validate_python({"by": "topic", "inside": {"by": "step", "max_epochs": 2}})
    assert ADAPTER.validate_python(again.model_dump()) == again


@pytest.mark.parametrize("labels", [("a",), ("a/b", "c"), ("100%", "%2F", "/"), ("", "x")])
def test_joined_labels_are_told_apart(labels: tuple[str, ...]) -> None:
    assert parted(joined(labels)) == labels
