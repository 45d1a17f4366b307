"""`explain`, `report`, `verify`: what a release holds, and why."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from flows.cli.tables import print_timings
from flows.cli.terminal import AsJson, ReleasePath, err, fail, out, printable
from schemas.errors import UnknownDocument


def explain(
    release: ReleasePath,
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="A document's id, or its own name (columns.id).")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Look the document up by its URL.")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="An id: the duplicates that were dropped for it, or with it, and how they differ."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="A source: how many of its documents were read, what took them, and what is left."),
    ] = None,
    changes: Annotated[bool, typer.Option("--changes", help="What differs from the release before it.")] = False,
    json_: AsJson = False,
) -> None:
    """Why a document is there, or gone: where it came from, each stage's verdict, what was kept instead, its positions. Why a source is as
    small as it is (--source), and what differs from last time (--changes)."""
    from curation.releases import explain as explain_module
    from curation.releases import explain_cluster

    if cluster is not None:
        _tell(explain_cluster, explain_cluster.cluster(release_of(release), cluster), json_)
        return
    if source is not None:
        from curation.releases import explain_source

        _tell(explain_source, explain_source.of_source(release_of(release), source), json_)
        return
    if changes:
        _changes(release_of(release), json_)
        return
    if (id_ is None) == (url is None):
        raise typer.BadParameter("give an ID, --url, --source or --changes")
    _tell(explain_module, explain_module.explain(release_of(release), id=id_, url=url), json_)


def _tell(module: Any, story: Any, json_: bool) -> None:
    """What a module of explanations found, for programs or for people."""
    if json_:
        typer.echo(json.dumps(module.as_dict(story), ensure_ascii=False))
    else:
        module.show(story, out)


def _changes(folder: str, json_: bool) -> None:
    """The figures of a release beside those of its parent, the greatest changes of shares first."""
    from dataclasses import asdict

    from rich.table import Table

    from curation import storage
    from curation.releases.changes import changes
    from curation.releases.home import read_manifest
    from curation.releases.report.comparison import shown

    manifest = read_manifest(folder)
    if manifest["parent"] is None:
        raise UnknownDocument("this is the first release of its recipe: there is none before it")
    before = storage.join(storage.parent(storage.absolute(folder)), manifest["parent"])
    if not storage.exists(storage.join(before, "manifest.json")):
        raise UnknownDocument(f"the release before it, {manifest['parent']}, is there no more")
    found = [one for one in changes(read_manifest(before), manifest) if one.difference != 0]
    if json_:
        typer.echo(json.dumps([{**asdict(one), "difference": one.difference} for one in found]))
        return
    table = Table(title=f"{manifest['parent']} and {manifest['release']}", title_justify="left")
    for name in ("what", "before", "after", "difference"):
        table.add_column(name, justify="left" if name == "what" else "right", overflow="fold")
    for one in found:
        sides = (shown(value, one.kind) for value in (one.before, one.after))
        table.add_row(printable(one.what), *sides, shown(one.difference, one.kind, signed=True))
    out.print(table)


def export(
    release: ReleasePath,
    format_: Annotated[
        str, typer.Option("--format", help="megatron, mds, litdata, webdataset, npy or hf.", metavar="F")
    ],
    output: Annotated[
        str, typer.Option("--output", help="An empty folder, or one that is not there yet.", metavar="DIR")
    ],
    json_: AsJson = False,
) -> None:
    """Write the rows in order for other trainers. A swarm's run is a release too."""
    from dataclasses import asdict

    from curation.releases.exports import export as write

    made = write(release_of(release), format_, output)
    if json_:
        typer.echo(json.dumps(asdict(made)))
    else:
        size = f"{made.bytes / 1e6:,.1f} MB in {made.files:,} files"
        out.print(f"{made.output}: {made.rows:,} rows, {size}", markup=False, highlight=False, soft_wrap=True)


def report(
    release: ReleasePath,
    other: Annotated[
        str | None, typer.Argument(help="A later release: both side by side on one page.", metavar="[RELEASE]")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--output", help="Where to write; default: report.html of the release, or compared-with-….html."),
    ] = None,
    timings: Annotated[
        bool, typer.Option("--timings", help="Print what took how long instead, stage by stage.")
    ] = False,
) -> None:
    """Write one self-contained HTML page about a release, or about two side by side."""
    if timings:
        for each in (one for one in (release, other) if one is not None):
            print_timings(_manifest(release_of(each)))
        return
    from curation import storage
    from curation.releases.report import compare
    from curation.releases.report import report as make_report
    from curation.releases.swarm_runs import refuse_run

    folder = release_of(release)
    manifest = _manifest(folder)
    refuse_run(folder, manifest)
    if other is not None:
        later = release_of(other)
        where = target or storage.join(later, f"compared-with-{manifest['release']}.html")
        page = compare(manifest, _manifest(later), (folder, later))
    else:
        where = target or storage.join(folder, "report.html")
        parent = storage.join(storage.parent(folder), str(manifest["parent"]))
        page = make_report(manifest, folder, _manifest(parent) if _holds_manifest(parent) else None)
    storage.put(where, page.encode())
    out.print(where, markup=False, highlight=False, soft_wrap=True)


def verify(release: ReleasePath, json_: AsJson = False) -> None:
    """Recompute every checksum and count of the manifest."""
    from curation.releases.verify import verify as find_faults

    folder = release_of(release)
    faults = find_faults(folder)
    if json_:
        typer.echo(json.dumps({"release": folder, "holds": not faults, "faults": faults}, ensure_ascii=False))
    elif not faults:
        out.print(f"{folder}: holds", markup=False, highlight=False, soft_wrap=True)
    else:
        for fault in faults:
            err.print(fault, markup=False, highlight=False, soft_wrap=True)
    if faults:
        raise typer.Exit(4)


def _manifest(folder: str) -> Any:
    from curation.releases.home import read_manifest

    return read_manifest(folder)


def _holds_manifest(folder: str) -> bool:
    from curation import storage

    return storage.exists(storage.join(folder, "manifest.json"))


def release_of(path: str) -> str:
    from curation.releases.home import resolve

    try:
        return resolve(path)
    except FileNotFoundError as error:
        fail(str(error), 1)
