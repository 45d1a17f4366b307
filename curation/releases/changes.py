"""What changed from one release to the next: documents, tokens, drop rates, shares of groups. From the manifests alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One figure before and after; None where one of the two releases has no such stage or group. A share is in [0, 1]."""

    what: str
    kind: Literal["count", "share"]
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """after - before."""
        return self.after - self.before if self.before is not None and self.after is not None else None


def changes(before: Manifest, after: Manifest) -> list[Change]:
    """The figures of two releases side by side, in the order of the stages; groups by their share afterwards."""
    made = [_count(name, before, after) for name in ("input files", "documents read", "documents written", "rows")]
    made += [
        _count("tokens", before, after),
        Change("drop rate, all stages", "share", *map(_drop_rate, (before, after))),
    ]
    rates = [{stage["stage"]: _rate(stage) for stage in one["funnel"]} for one in (before, after)]
    for stage in dict.fromkeys([*rates[1], *rates[0]]):
        made.append(Change(f"drop rate, {stage}", "share", rates[0].get(stage), rates[1].get(stage)))
    shares = [_shares(before), _shares(after)]
    for by in dict.fromkeys([*shares[1], *shares[0]]):
        mine, theirs = shares[0].get(by), shares[1].get(by)
        labels = dict.fromkeys([*sorted(theirs or {}, key=lambda x: -(theirs or {})[x]), *(mine or {})])
        for label in labels:
            was = mine.get(label, 0.0) if mine is not None else None
            now = theirs.get(label, 0.0) if theirs is not None else None
            made.append(Change(f"{by}: {label}", "share", was, now))
    return made


def _count(name: str, before: Manifest, after: Manifest) -> Change:
    return Change(name, "count", float(_counts(before)[name]), float(_counts(after)[name]))


def _counts(manifest: Manifest) -> dict[str, int]:
    return {
        "input files": len(manifest["inputs"]),
        "documents read": manifest["funnel"][0]["in"],
        "documents written": manifest["funnel"][-1]["out"],
        "rows": sum(shard["rows"] for shard in manifest["shards"]),
        "tokens": sum(shard["tokens"] for shard in manifest["shards"]),
    }


def _rate(stage: dict[str, Any]) -> float | None:
    return (stage["in"] - stage["out"]) / stage["in"] if stage["in"] else None


def _drop_rate(manifest: Manifest) -> float | None:
    """Of the documents read; what no phase takes does not count, as in `limits.drop_rate`."""
    read = manifest["funnel"][0]["in"]
    left = next((s["in"] for s in manifest["funnel"] if s["stage"] == "schedule"), manifest["funnel"][-1]["out"])
    return (read - left) / read if read else None


def _shares(manifest: Manifest) -> dict[str, dict[str, float]]:
    """The share of the tokens written of each group, by what the phases group by."""
    sums: dict[str, dict[str, float]] = {}
    for phase in manifest["phases"]:
        one = sums.setdefault(phase.get("by") or "all", {})
        for label, amount in phase["realised"].items():
            one[label] = one.get(label, 0.0) + amount["tokens"]
    return {
        by: {label: tokens / total for label, tokens in labels.items()}
        for by, labels in sums.items()
        if (total := sum(labels.values()))
    }
