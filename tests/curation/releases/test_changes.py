"""What changed between two releases: from the manifests, groups that came or went included."""

from __future__ import annotations

from typing import Any

from curation.releases.changes import changes


def manifest(
    read: int, out: int, tokens: dict[str, int], stages: tuple[str, ...] = ("read", "rules")
) -> dict[str, Any]:
    funnel = [
        {"stage": stages[0], "in": read, "out": read},
        *({"stage": s, "in": read, "out": out} for s in stages[1:]),
    ]
    realised = {label: {"documents": 1, "tokens": n} for label, n in tokens.items()}
    shard = {"rows": out, "tokens": sum(tokens.values())}
    return {"inputs": [1], "funnel": funnel, "phases": [{"by": "source", "realised": realised}], "shards": [shard]}


def test_figures_and_shares() -> None:
    found = {c.what: c for c in changes(manifest(100, 80, {"a": 30, "b": 10}), manifest(200, 100, {"a": 20, "c": 60}))}
    assert (found["documents read"].before, found["documents read"].after) == (100, 200)
    assert found["tokens"].difference == 40
    assert (found["drop rate, rules"].before, found["drop rate, rules"].after) == (0.2, 0.5)
    assert found["drop rate, all stages"].after == 0.5
    assert (found["source: a"].before, found["source: a"].after) == (0.75, 0.25)
    assert (found["source: b"].before, found["source: b"].after) == (0.25, 0.0)
    assert (found["source: c"].before, found["source: c"].after) == (0.0, 0.75)


def test_a_stage_that_one_has_not() -> None:
    found = {c.what: c for c in changes(manifest(10, 5, {"a": 1}), manifest(10, 5, {"a": 1}, ("read", "minhash")))}
    assert found["drop rate, minhash"].before is None
    assert found["drop rate, rules"].after is None
    assert found["drop rate, rules"].difference is None


def test_nothing_read() -> None:
    found = {c.what: c for c in changes(manifest(0, 0, {}), manifest(10, 10, {"a": 1}))}
    assert found["drop rate, rules"].before is None
    assert found["source: a"].before is None
