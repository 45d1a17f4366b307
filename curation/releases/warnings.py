"""What a run took by surprise: most of a source or of a group at one stage, or more than a few malformed rows.

A stage takes most where it drops more than half of what came to it of a source, or of a label that a mixture groups by,
however few documents that are; *schedule* is left out, since a budget is asked for. Malformed are rows over one in a hundred of
a file or of a source, and files that were set aside whole.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.mixture.pool import encode
from curation.mixture.targets import misses
from curation.releases.hits import too_common
from curation.releases.shift import OF_THE_POOL, labels_of
from curation.releases.work import Work
from schemas.errors import RunError
from schemas.manifest import PhaseRecord, RunWarning
from schemas.plan import Plan
from schemas.recipe import Recipe
from schemas.tables import NO_LABEL, STAGES
from schemas.work import WrittenShard

MOST = 0.5
"""Share of a source that a stage takes before it is said."""
MALFORMED = 0.01
"""Share of malformed rows of a file or source before it is said."""
EXAMPLES, CLUSTERS, EXCERPT_CHARS = 3, 3, 80
SOURCES, RULES = 3, 3
KEEPERS = ("exact", "minhash", "history")
"""Stages that drop a document for another one, which stays."""

PLACES = 1 << 40
"""More than the rows of a partition."""

Int = npt.NDArray[np.int64]
RowsOf = Callable[[int], Int]
"""The rows of a partition, by its number, that are meant."""
Counts = dict[str, dict[str, int]]
"""Documents by stage and rule."""


def warnings(work: Work, decided: Sequence[Counts], groups: set[str]) -> list[RunWarning]:
    """All there is to say of a run. decided: what global stages drop of each partition; groups: names that mixtures group by."""
    items = too_common(work) if work.recipe.decontaminate is not None else []
    return [*_malformed(work), *_copies(work), *_sources(work, decided), *_groups(work, groups), *items]


def of_phases(plan: Plan, phases: Sequence[PhaseRecord]) -> list[RunWarning]:
    """The phases, as written, that miss their budget by more than 1 %."""
    written = [
        (sum(one.documents for one in phase.realised.values()), sum(one.tokens for one in phase.realised.values()))
        for phase in phases
    ]
    return [
        RunWarning(
            stage="schedule",
            source=None,
            phase=miss.phase,
            rule="budget",
            share=miss.off,
            examples=[{"budget": miss.budget, "wanted": miss.wanted, "written": miss.written, "unit": miss.unit}],
        )
        for miss in misses(plan, written)
    ]


def of_token_columns(recipe: Recipe, shards: Sequence[WrittenShard]) -> list[RunWarning]:
    """The phases with documents whose token columns do not fit their text."""
    found: dict[str, list[int]] = {}
    for shard in shards:
        both = found.setdefault(shard.phase, [0, 0])
        both[0] += shard.unfit
        both[1] += shard.documents
    named = ", ".join(recipe.shards.token_columns)
    return [
        RunWarning(stage="write", source=None, phase=phase, rule="token_columns", share=unfit / documents, label=named)
        for phase, (unfit, documents) in found.items()
        if unfit
    ]


def by_source(work: Work, decided: Sequence[Counts]) -> dict[str, tuple[int, int, Counts]]:
    """Of each source documents read, rows malformed, and documents dropped by stage and rule."""
    found: dict[str, tuple[int, int, dict[str, Counter[str]]]] = {}
    for part, source, later in zip(work.parts, work.of_source, decided, strict=True):
        read, bad, dropped = found.get(source, (0, 0, {}))
        for counts in (part.dropped, later):
            for stage, rules in counts.items():
                dropped.setdefault(stage, Counter()).update(rules)
        found[source] = (read + part.documents, bad + sum(one.bad_rows for one in part.read), dropped)
    return {
        source: (read, bad, {s: dict(r) for s, r in dropped.items()}) for source, (read, bad, dropped) in found.items()
    }


def nothing_left(work: Work) -> RunError:
    """What to say where every document was dropped: of the first sources the rules that took most, by stage."""
    later = []
    for number in work.numbers:
        decided = work.decided(number, before="schedule")
        counts: dict[str, Counter[str]] = {}
        for stage, rule in zip(decided["stage"].to_pylist(), decided["rule"].to_pylist(), strict=True):
            counts.setdefault(stage, Counter())[rule] += 1
        later.append({stage: dict(rules) for stage, rules in counts.items()})
    found = by_source(work, later)
    named = []
    for source, (read, _, dropped) in list(found.items())[:SOURCES]:
        most = sorted(((n, stage, rule) for stage, rules in dropped.items() for rule, n in rules.items()), reverse=True)
        rules = ", ".join(f"{stage} {rule} {n:,}" for n, stage, rule in most[:RULES])
        named.append(f"{source}: {rules}{', …' if len(most) > RULES else ''} of {read:,}")
    last = max((stage for _, _, dropped in found.values() for stage in dropped if dropped[stage]), key=STAGES.index)
    more = f"; and {len(found) - SOURCES} more sources" if len(found) > SOURCES else ""
    return RunError(last, f"every document was dropped ({'; '.join(named)}{more}); loosen the recipe")


def _malformed(work: Work) -> Iterator[RunWarning]:
    for source in work.recipe.sources:
        rows: list[dict[str, Any]] = []
        files: list[dict[str, Any]] = [
            {"path": file.path, "reason": file.fault}
            for file in work.inputs
            if file.source == source.name and file.fault
        ]
        n = sum(file.source == source.name for file in work.inputs)
        read: Counter[int] = Counter()
        bad: Counter[int] = Counter()
        for partition, part, of in zip(work.partitions, work.parts, work.of_source, strict=True):
            if of != source.name:
                continue
            for one, given in zip(partition.slices, part.read, strict=True):
                read[one.input] += given.documents
                bad[one.input] += given.bad_rows
                if given.fault is not None:
                    files.append({"path": work.inputs[one.input].path, "reason": given.fault})
            for number, row, reason in part.reasons:
                rows.append({"path": work.inputs[partition.slices[number].input].path, "row": row, "reason": reason})
        all_bad, all_read = bad.total(), read.total()
        shares = {file: m / (m + read[file]) for file, m in bad.items() if m > MALFORMED * (m + read[file])}
        if all_bad > MALFORMED * (all_bad + all_read):
            share = all_bad / (all_bad + all_read)
            yield RunWarning(stage="read", source=source.name, rule="malformed", share=share, examples=_different(rows))
        elif shares:
            worst = min(shares, key=lambda file: (-shares[file], file))
            path = work.inputs[worst].path
            counted = f"{bad[worst]:,} of {bad[worst] + read[worst]:,} rows are malformed"
            examples = [{"path": path, "reason": counted}, *_different([one for one in rows if one["path"] == path])]
            yield RunWarning(
                stage="read", source=source.name, rule="malformed_file", share=shares[worst], examples=examples
            )
        if files:
            yield RunWarning(
                stage="read", source=source.name, rule="set_aside", share=len(files) / n, examples=_different(files)
            )


def _copies(work: Work) -> Iterator[RunWarning]:
    """Sources most of whose files hold the bytes of another source's, which are read as that one's alone."""
    source_of = {file.path: file.source for file in work.inputs}
    for source in work.recipe.sources:
        mine = [file for file in work.inputs if file.source == source.name]
        same = [f for f in mine if f.same_as is not None and source_of.get(f.same_as) != source.name]
        if len(same) > MOST * len(mine):
            examples = [{"path": f.path, "reason": f"the same bytes as {f.same_as}"} for f in same[:EXAMPLES]]
            share = len(same) / len(mine)
            yield RunWarning(stage="read", source=source.name, rule="same_as", share=share, examples=examples)


def _different(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first few, each with a reason of its own while there are any."""
    first = {one["reason"]: one for one in reversed(found)}
    ordered = [one for one in found if first[one["reason"]] is one]
    return [*ordered, *(one for one in found if first[one["reason"]] is not one)][:EXAMPLES]


def _sources(work: Work, decided: Sequence[Counts]) -> Iterator[RunWarning]:
    for source, (read, _, dropped) in by_source(work, decided).items():
        for stage, rule, share in _taken(read, dropped):
            partitions = [number for number, of in enumerate(work.of_source) if of == source]
            clusters = _clusters(work, stage, rule, partitions) if stage in KEEPERS else []
            examples = clusters or _dropped(work, stage, rule, partitions)
            yield RunWarning(stage=stage, source=source, rule=rule, share=share, examples=examples)


def _taken(read: int, dropped: Counts) -> Iterator[tuple[str, str, float]]:
    """Stages that take most of what comes to them, with the rule that drops most and the share."""
    left = read
    for stage in STAGES:
        rules = dropped.get(stage, {})
        n = sum(rules.values())
        if n > MOST * left and stage != "schedule":
            yield stage, max(sorted(rules), key=lambda rule: rules[rule]), n / left
        left -= n


def _groups(work: Work, names: set[str]) -> Iterator[RunWarning]:
    """The same of each label, over the stages that follow the tags' texts: a document's label is known from then on."""
    wanted = sorted(names - {"source"} - OF_THE_POOL)
    read: Counter[tuple[str, str]] = Counter()
    dropped: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for number in work.numbers if wanted else ():
        decided = work.decided(number, before="schedule")
        stage, rule = (encode(decided[name]) for name in ("stage", "rule"))
        for name in wanted:
            codes, labels = _labels(work, number, name)
            read.update(
                {
                    (name, label): int(n)
                    for label, n in zip(labels, np.bincount(codes, minlength=len(labels)), strict=True)
                    if n
                }
            )
            of = np.column_stack([codes[decided["index"].to_numpy()], stage.codes, rule.codes])
            for (label, s, r), n in zip(*np.unique(of, axis=0, return_counts=True), strict=True):
                stages = dropped.setdefault((name, labels[label]), {})
                stages.setdefault(stage.names[s], Counter())[rule.names[r]] += int(n)
    for name, label in sorted(dropped):
        counts = {stage: dict(rules) for stage, rules in dropped[name, label].items()}
        for stage_, rule_, share in _taken(read[name, label], counts):
            rows_of = partial(_rows_of_label, work, name, label)
            clusters = _clusters(work, stage_, rule_, work.numbers, rows_of) if stage_ in KEEPERS else []
            examples = clusters or _decided(work, stage_, rule_, work.numbers, rows_of)
            yield RunWarning(
                stage=stage_, source=None, by=name, label=label, rule=rule_, share=share, examples=examples
            )


def _labels(work: Work, number: int, name: str) -> tuple[Int, list[str]]:
    """The labels of a partition's documents: codes into the list; none of a partition that has no tags."""
    part, tags = work.prepared(number), work.path("tags", number)
    if not part.kept or not storage.exists(tags):
        return np.zeros(0, dtype=np.int64), [NO_LABEL]
    labels = encode(labels_of(part, work.of_source[number], tags, name)).with_none()
    return labels.codes.astype(np.int64), list(labels.names)


def _rows_of_label(work: Work, name: str, label: str, number: int) -> Int:
    codes, labels = _labels(work, number, name)
    return np.flatnonzero(codes == labels.index(label)) if label in labels else np.zeros(0, dtype=np.int64)


def _mine(work: Work, stage: str, rule: str, number: int, rows_of: RowsOf | None) -> pa.Table:
    """What a rule decided of a partition's documents, or of some of its rows."""
    decided = work.decided(number, before="schedule")
    mine = decided.filter(pc.and_(pc.equal(decided["stage"], stage), pc.equal(decided["rule"], rule)))
    if rows_of is None or not len(mine):
        return mine
    return mine.filter(pa.array(np.isin(mine["index"].to_numpy(), rows_of(number))))


def _clusters(
    work: Work, stage: str, rule: str, partitions: Sequence[int], rows_of: RowsOf | None = None
) -> list[dict[str, Any]]:
    """The largest clusters of a source or label: what stays, how many went with it, and two of their members."""
    tables = []
    for number in partitions:
        mine = _mine(work, stage, rule, number, rows_of)
        place = pc.add(pc.multiply(pa.scalar(number, pa.int64()), PLACES), mine["index"])
        tables.append(pa.table({"kept": mine["kept_id"], "place": place}).filter(mine["kept_id"].is_valid()))
    if not sum(map(len, tables)):
        return []
    whole = pa.concat_tables(tables).group_by("kept").aggregate([("place", "count"), ("place", "min")])
    found = []
    for one in whole.sort_by([("place_count", "descending"), ("kept", "ascending")]).slice(0, CLUSTERS).to_pylist():
        number, index = divmod(one["place_min"], PLACES)
        for _, table in storage.chosen_rows(work.prepared(number).documents_path, np.array([index]), ["id", "text"]):
            member = {"id": table["id"][0].as_py(), "excerpt": excerpt(table["text"][0].as_py())}
            found.append({"kept_id": one["kept"], "size": one["place_count"] + 1, "member": member})
    return found


def _dropped(work: Work, stage: str, rule: str, partitions: Sequence[int]) -> list[dict[str, Any]]:
    """Two documents of a source that a rule drops: in *prepare*, or in a stage after it."""
    found: list[dict[str, Any]] = []
    for number in partitions:
        columns = ["id", "stage", "rule", "value", "threshold", "excerpt"]
        for table in storage.row_groups(work.prepared(number).set_aside_path, columns):
            rows = table.filter(pc.and_(pc.equal(table["stage"], stage), pc.equal(table["rule"], rule)))
            for row in rows.slice(0, 2).to_pylist():
                said = {key: row[key] for key in ("id", "value", "threshold")}
                found.append(said | {"excerpt": excerpt(row["excerpt"])})
        if len(found) >= 2:
            return found[:2]
    return found or _decided(work, stage, rule, partitions)


def _decided(
    work: Work, stage: str, rule: str, partitions: Sequence[int], rows_of: RowsOf | None = None
) -> list[dict[str, Any]]:
    """Two documents that a rule of a stage after *prepare* drops."""
    found: list[dict[str, Any]] = []
    for number in partitions:
        for row in _mine(work, stage, rule, number, rows_of).slice(0, 2).to_pylist():
            at = np.array([row["index"]])
            for _, one in storage.chosen_rows(work.prepared(number).documents_path, at, ["id", "text"]):
                said = {"id": one["id"][0].as_py(), "value": row["value"], "threshold": row["threshold"]}
                found.append(said | {"excerpt": excerpt(one["text"][0].as_py())})
        if len(found) >= 2:
            break
    return found[:2]


def excerpt(text: str | None) -> str:
    """The beginning of a text on one line, of characters that show."""
    shown = "".join(
        c if c.isprintable() or c in string.whitespace else "\ufffd" for c in (text or "")[: 2 * EXCERPT_CHARS]
    )
    return " ".join(shown.split())[:EXCERPT_CHARS]


def said(warning: RunWarning) -> str:
    """A warning as a sentence, without its examples; it may hold labels and reasons from outside: escape it."""
    if warning.rule == "token_columns":
        return (
            f"phase {warning.phase}: {warning.share:.1%} of the documents have no {warning.label}: cleaning changed their "
            "text, or the lists are not as long as its tokens by shards.tokenizer"
        )
    if warning.phase is not None:
        return f"phase {warning.phase} misses its budget by {warning.share:+.1%}"
    if warning.rule == "short_items":
        return f"{warning.share:.0%} of the items of {warning.label} have too few words to be looked for (decontaminate.short_items)"
    if warning.rule == "too_common":
        return f"{warning.share:.0%} of the items of {warning.label} are too common to be a sign of contamination (decontaminate.max_hits)"
    of = f"source {warning.source}" if warning.source is not None else f"{warning.by} {excerpt(warning.label)}"
    if warning.stage == "read" and warning.rule == "malformed":
        return f"{warning.share:.1%} of the rows of {of} are malformed and were set aside"
    if warning.rule == "malformed_file":
        return f"{warning.share:.1%} of the rows of a file of {of} are malformed and were set aside"
    if warning.rule == "same_as":
        return (
            f"{warning.share:.0%} of the files of {of} hold the bytes of another source's and are read as those alone"
        )
    if warning.stage == "read" and warning.rule == "set_aside":
        return f"{warning.share:.0%} of the files of {of} were set aside"
    return f"{warning.stage} dropped {warning.share:.1%} of what came to it of {of}, most of it by {warning.rule}"


def shown(example: dict[str, Any]) -> str:
    """An example as a line; from outside: escape it."""
    if "budget" in example:
        unit = example["unit"]
        return f"{example['budget']} is {example['wanted']:,.0f} {unit}, {example['written']:,} were written"
    if "reason" in example:
        row = f", row {example['row']}" if "row" in example else ""
        return f"{excerpt(example['path'])}{row}: {excerpt(example['reason'])}"
    if "item" in example:
        n = f"{example['documents']:,} documents" if "documents" in example else f"{example['words']} words"
        return f"{excerpt(example['item'])}: {n}"
    if "size" in example:
        one = example["member"]
        return f"a cluster of {example['size']:,}: {example['kept_id'][:12]} stays, {one['id'][:12]} went: {one['excerpt']}"
    return f"{example['id'][:12]}: {example['excerpt']}"
