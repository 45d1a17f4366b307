"""What a run prints when it has ended: the funnel, the mixture, how rows were packed, what looks odd."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from flows.cli.terminal import out, printable


def print_funnel(manifest: Any) -> None:
    table = Table(title="Funnel", title_justify="left")
    for name in ("stage", "in", "dropped", "out"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_column("by rule")
    for stage in manifest.funnel:
        rules = ", ".join(f"{rule} {n:,}" for rule, n in sorted(stage.dropped.items(), key=lambda x: -x[1]))
        table.add_row(stage.stage, f"{stage.in_:,}", f"{stage.in_ - stage.out:,}", f"{stage.out:,}", printable(rules))
    out.print(table)
    count = manifest.errors["count"]
    if count["files"] or count["rows"]:
        out.print(
            f"set aside: {count['rows']:,} malformed rows, {count['files']:,} files (named in manifest.json, errors)"
        )


def print_packing(manifest: Any) -> None:
    from curation.releases.report.packing import packing

    said = packing(manifest.model_dump(mode="json", by_alias=True))
    if said is not None:
        out.print(said, markup=False, highlight=False)


def print_mixture(manifest: Any) -> None:
    from curation.releases.report.mixture import rows_of

    table = Table(title="Mixture", title_justify="left", caption="planned and realised: shares in the phase's unit")
    for name in ("phase", "group", "unit", "planned", "realised", "documents", "share", "tokens", "share"):
        table.add_column(name, justify="left" if name in ("phase", "group", "unit") else "right")
    for phase in manifest.phases:
        shown = rows_of(phase.model_dump())
        for row in shown[:12]:
            table.add_row(
                row.phase,
                printable(row.group),
                row.unit,
                f"{row.planned:.4f}",
                f"{row.written:.4f}",
                f"{row.documents:,}",
                f"{row.of_documents:.4f}",
                f"{row.tokens:,}",
                f"{row.of_tokens:.4f}",
            )
        if len(shown) > 12:
            table.add_row(phase.name, f"… {len(shown) - 12} more")
    out.print(table)
    for phase in manifest.phases:
        for note in phase.notes:
            out.print(f"{phase.name}: {note}", markup=False, highlight=False)


def print_warnings(manifest: Any) -> None:
    from curation.releases.warnings import said, shown

    for warning in manifest.warnings:
        out.print(f"warning: {said(warning)}", markup=False, highlight=False, soft_wrap=True)
        for example in warning.examples:
            out.print(f"  {shown(example)}", markup=False, highlight=False, soft_wrap=True)


def print_promises(manifest: Any) -> None:
    """How many of the recipe's promises hold, and which do not."""
    if not manifest.promises:
        return
    broken = [one for one in manifest.promises if not one.holds]
    held = len(manifest.promises) - len(broken)
    out.print(f"{held} of {len(manifest.promises)} promises of the recipe hold", markup=False, highlight=False)
    for one in broken:
        what = printable(f"{one.says or one.check} ({'; '.join(one.faults)})")
        out.print(f"  does not hold: {what}", markup=False, highlight=False, soft_wrap=True)


def print_end(manifest: Any, folder: str, seconds: float) -> None:
    """What came out, how fast, where the report is, and what to try next."""
    rows, tokens = (sum(getattr(shard, name) for shard in manifest.shards) for name in ("rows", "tokens"))
    read = sum(file.bytes for file in manifest.inputs if file.same_as is None) / 1e6
    lines = [
        f"{manifest.funnel[-1].out:,} documents in {rows:,} rows, {tokens:,} tokens, {len(manifest.shards):,} shards; "
        f"{read:,.1f} MB of input in {seconds:.1f} s ({read / max(seconds, 1e-9):.1f} MB/s)",
        f"report: {folder}/report.html",
        f"next: syllabus explain {folder} ID (why a document is there, or gone); syllabus verify {folder}",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def print_timings(manifest: dict[str, Any]) -> None:
    """Seconds of each stage and their share; steps of *prepare*, which its workers take side by side, beneath."""
    timings: dict[str, float] = manifest["timings"]
    read = sum(file["bytes"] for file in manifest["inputs"] if file["same_as"] is None) / 1e6
    for title, names in (
        (f"{manifest['release']}: seconds by stage", [name for name in timings if "." not in name]),
        ("steps of prepare, added over its workers", [name for name in timings if "." in name]),
    ):
        total = sum(timings[name] for name in names)
        table = Table(title=title, title_justify="left")
        table.add_column("", justify="left")
        for name in ("seconds", "share", "MB of input/s"):
            table.add_column(name, justify="right")
        for name in [*names, "together"] if names else []:
            seconds = timings.get(name, total)
            rate = f"{read / seconds:,.1f}" if seconds >= 0.01 else ""
            share = f"{seconds / total:.1%}" if total else ""
            table.add_row(name.rpartition(".")[2], f"{seconds:,.2f}", share, rate)
        if names:
            out.print(table)
