"""A benchmark ends, whatever becomes of a contender."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.processes import alone, without_missing


def _raises() -> None:
    raise ModuleNotFoundError("no peer")


def test_a_contender_that_fails_or_dies_is_no_wait_for_ever() -> None:
    with pytest.raises(ModuleNotFoundError, match="no peer"):
        alone(_raises)
    with pytest.raises(Exception, match="terminated abruptly"):
        alone(os._exit, 3)
    assert alone(len, "abc") == 3


def test_peers_that_are_not_installed_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert without_missing(["numpy", "no_such_peer"]) == ["numpy"]
    assert "no_such_peer" in capsys.readouterr().out
