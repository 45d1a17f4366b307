"""``report.html``: one self-contained page about a release, or about two side by side.

A section is a file here: a function from the manifest (plain data, as in ``manifest.json``) and the release's folder to
HTML, empty where there is nothing to show. Pictures are drawn by Vega-Lite (``charts``). Memory follows a table's row
group, or one number a row for the pictures over training position.
"""

from __future__ import annotations

import html
from typing import Any

from curation.releases.report import search
from curation.releases.report.batch_labels import batch_labels
from curation.releases.report.border_cases import border_cases
from curation.releases.report.comparison import comparison, shown
from curation.releases.report.duplicates import duplicates, shift
from curation.releases.report.funnel import funnel
from curation.releases.report.heat_maps import heat_maps
from curation.releases.report.measured import histograms
from curation.releases.report.method import method
from curation.releases.report.mixture import mixture
from curation.releases.report.mixture_over_position import mixture_over_position
from curation.releases.report.over_position import scores_over_position
from curation.releases.report.packing import packing
from curation.releases.report.page import figures, folded, page, table
from curation.releases.report.pool_pictures import copies, domains, languages, quality, token_lengths
from curation.releases.report.promised import promised
from curation.releases.report.substrings import substrings
from curation.releases.report.summary import summary
from curation.releases.report.swarm import swarm
from curation.releases.report.timings import timings
from curation.releases.report.warned import warned

Manifest = dict[str, Any]
MAX_FILES = 500


def report(manifest: Manifest, folder: str, before: Manifest | None = None) -> str:
    """The page of a release whose tables stand in ``folder``; its manifest need not be there yet.

    before: the manifest of the release before it, to say what changed.
    """
    places = search.places(manifest, folder)
    sections = [
        ("Warnings", warned(manifest)),
        ("What changed since the last release", comparison(before, manifest) if before is not None else ""),
        ("What the recipe promises", promised(manifest)),
        ("How the recipe works", method(manifest, folder)),
        ("Funnel", funnel(manifest)),
        ("Runs of the swarm", swarm(manifest, folder)),
        ("Mixture, planned and written", mixture(manifest)),
        ("Groups in a global batch", batch_labels(manifest, folder)),
        ("Groups and their steps", heat_maps(manifest)),
        ("Mixture over training position", mixture_over_position(manifest, folder)),
        ("Scores over training position", scores_over_position(manifest, folder)),
        ("Dropped, and just kept", border_cases(manifest, folder)),
        ("What the rules measured", histograms(folder)),
        ("Quality", quality(manifest, folder)),
        ("Near duplicates", shift(manifest) + duplicates(folder)),
        ("Repeated substrings", substrings(manifest, folder)),
        ("Languages", languages(folder)),
        ("Domains", domains(manifest, folder)),
        ("Lengths in tokens", token_lengths(manifest, folder)),
        ("Copies", copies(folder)),
        ("Benchmark items in the sources", _contamination(manifest)),
        ("Look a document up", _lookup(places)),
        ("Edits", _edits(manifest)),
        ("Inputs and shards", _files(manifest)),
        ("Time", timings(manifest)),
    ]
    script, data = (search.SCRIPT, places) if places is not None else ("", None)
    return page(_title(manifest), _lead(manifest), sections, script=script, data=data)


def compare(before: Manifest, after: Manifest, folders: tuple[str, str]) -> str:
    """Two releases on one page: what changed, then each picture of the one above that of the other."""
    both = ((before, folders[0]), (after, folders[1]))

    def twice(make: Any) -> str:
        parts = [(html.escape(manifest["release"]), make(manifest, folder)) for manifest, folder in both]
        return "".join(f"<h3>{name}</h3>{body}" for name, body in parts if body)

    sections = [
        ("What changed", comparison(before, after)),
        ("Funnel", twice(lambda manifest, _: funnel(manifest))),
        ("Mixture, planned and written", twice(lambda manifest, _: mixture(manifest))),
        ("Groups and their steps", twice(lambda manifest, _: heat_maps(manifest))),
        ("Mixture over training position", twice(mixture_over_position)),
        ("Scores over training position", twice(scores_over_position)),
        ("What the rules measured", twice(lambda _, folder: histograms(folder))),
        ("Quality", twice(quality)),
        ("Languages", twice(lambda _, folder: languages(folder))),
        ("Domains", twice(domains)),
        ("Lengths in tokens", twice(token_lengths)),
        ("Recipe", _recipe_changes(before, after)),
        ("Time", twice(lambda manifest, _: timings(manifest))),
    ]
    title = f"{before['recipe']['name']} {before['release']} and {after['recipe']['name']} {after['release']}"
    return page(title, "", sections)


def _title(manifest: Manifest) -> str:
    return f"{manifest['recipe']['name']} {manifest['release']}"


def _lead(manifest: Manifest) -> str:
    read, left = manifest["funnel"][0]["in"], manifest["funnel"][-1]["out"]
    values = [
        ("documents read", f"{read:,}"),
        ("documents left", f"{left:,}"),
        ("dropped", shown((read - left) / read if read else None, "share")),
    ]
    if manifest["shards"]:
        values += [
            ("tokens", f"{sum(s['tokens'] for s in manifest['shards']):,}"),
            ("shards", f"{len(manifest['shards']):,}"),
            ("bytes", f"{sum(s['bytes'] for s in manifest['shards']):,}"),
        ]
    said = f"Made {manifest['created']}; the release before it: {manifest['parent'] or 'none'}."
    packed = packing(manifest)
    if packed is not None:
        said += f" Rows are {packed}."
    about = manifest["recipe"].get("description") or ""
    return f"<p>{html.escape(about)}</p>{figures(values)}{summary(manifest)}<p class='small'>{html.escape(said)}</p>"


def _lookup(places: list[list[Any]] | None) -> str:
    if places is not None:
        return search.FORM
    return "<p>There are too many documents for this page: <code>syllabus explain RELEASE ID</code> (or <code>--url URL</code>).</p>"


def _contamination(manifest: Manifest) -> str:
    rows = [
        [
            r["benchmark"],
            r["source"],
            r["items"],
            r.get("items_short", 0),
            r["items_hit"],
            r["documents"],
            ", ".join(f"{place}: {n}" for place, n in r.get("places", {}).items()),
            r["share"],
            "yes" if r["contaminated"] else "",
        ]
        for r in manifest.get("contamination", [])
    ]
    names = ["benchmark", "source", "items", "too short", "items hit", "documents", "in", "share", "contaminated"]
    return table(names, rows)


def _edits(manifest: Manifest) -> str:
    rows = [[e["stage"], e["rule"], e["documents"], e["count"]] for e in manifest["edits"]]
    return table(["stage", "rule", "documents", "places"], rows)


def _files(manifest: Manifest) -> str:
    inputs = [[i["path"], i["bytes"], i["documents"], i["errors"], i["same_as"] or ""] for i in manifest["inputs"]]
    faults = [[e["path"], e["reason"]] for e in manifest["errors"]["files"]]
    written = [*manifest["shards"], *manifest.get("evaluation", [])]
    shards = [[s["path"], s["phase"], s["rows"], s["tokens"], s["bytes"]] for s in written]
    parts = [
        ("input files", ["path", "bytes", "documents", "errors", "same as"], inputs),
        ("files set aside or damaged", ["path", "reason"], faults),
        ("shards", ["file", "phase", "rows", "tokens", "bytes"], shards),
    ]
    shown_of = lambda rows: f", the first {MAX_FILES}" if len(rows) > MAX_FILES else ""  # noqa: E731
    return "".join(
        folded(f"{len(rows):,} {what}{shown_of(rows)}", table(head, rows[:MAX_FILES])) for what, head, rows in parts
    )


def _recipe_changes(before: Manifest, after: Manifest) -> str:
    """Fields of the resolved recipes that differ, by their place."""
    sides = [dict(_leaves(manifest["recipe"], "")) for manifest in (before, after)]
    places = [place for place in dict.fromkeys([*sides[0], *sides[1]]) if sides[0].get(place) != sides[1].get(place)]
    rows = [[place, str(sides[0].get(place, ""))[:200], str(sides[1].get(place, ""))[:200]] for place in places[:200]]
    return table(["field", before["release"], after["release"]], rows) or "<p>The recipes are the same.</p>"


def _leaves(value: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{place}.{key}" if place else str(key))]
    if isinstance(value, list) and value:
        return [leaf for i, one in enumerate(value) for leaf in _leaves(one, f"{place}[{i}]")]
    return [(place, value)]
