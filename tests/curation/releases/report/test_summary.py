"""The three sentences that a report begins with."""

from __future__ import annotations

from typing import Any

from curation.releases.report.summary import summary


def manifest(**fields: Any) -> dict[str, Any]:
    amount = lambda n: {"documents": n, "tokens": 10 * n}  # noqa: E731
    return {
        "funnel": [
            {"stage": "read", "in": 1000, "out": 990, "dropped": {"empty": 10}},
            {"stage": "minhash", "in": 990, "out": 700, "dropped": {"minhash": 290}},
        ],
        "phases": [
            {
                "name": "all",
                "budget": {},
                "weights": {"<web>": 0.5, "books": 0.5},
                "realised": {"<web>": amount(60), "books": amount(40)},
            },
        ],
        "warnings": [],
        "promises": [],
        **fields,
    }


def test_what_went_how_it_is_mixed_and_that_nothing_is_odd() -> None:
    assert summary(manifest()) == (
        "<p>Of 1,000 documents that were read 700 are left; most of the others went by minhash: 290. "
        "The mixture is off by at most 10.0%: &lt;web&gt; in phase all has 60.0%, planned were 50.0%. Nothing looks odd.</p>"
    )


def test_nothing_dropped_mixed_as_planned_and_a_promise_that_does_not_hold() -> None:
    even = {"name": "all", "budget": {}, "weights": {"a": 1.0}, "realised": {"a": {"documents": 3, "tokens": 30}}}
    promises = [
        {"check": "sizes", "says": "", "holds": True, "faults": []},
        {"check": "labels", "says": "No <b>.", "holds": False, "faults": ["x"]},
    ]
    said = summary(
        manifest(funnel=[{"stage": "read", "in": 3, "out": 3, "dropped": {}}], phases=[even], promises=promises)
    )
    assert said == (
        "<p>All 3 documents that were read are in the release. Every group has its planned share, to half a percent. "
        "1 of 2 promises hold; the first that does not is: No &lt;b&gt;.</p>"
    )
