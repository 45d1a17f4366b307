"""The command line: run, plan, explain, report, verify, schema, serve."""

from __future__ import annotations

import atexit
import importlib
import json
import logging
import os
import sys
import tempfile
import traceback
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from flows.embedded_api import configure, embedded_api
from schemas.errors import RecipeMistakes, SyllabusError

app = typer.Typer(
    help="From raw text to an ordered, training-ready data set. Exit codes: 0 done, 1 the run failed, 2 the recipe is "
    "wrong, 3 unknown document, 4 a release does not hold.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
err = Console(stderr=True)

RecipePath = Annotated[str, typer.Argument(help="The recipe, a YAML file.", metavar="RECIPE")]
ReleasePath = Annotated[
    str, typer.Argument(help="A release's folder, or a recipe's folder (its latest).", metavar="RELEASE")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Override a field: key.path=value; the value is YAML. Repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Losses = Annotated[str | None, typer.Option(help="A loss report (JSON lines or Parquet) for online mixtures.")]


@app.command()
def run(recipe: RecipePath, overrides: Overrides = None, losses: Losses = None, json_: AsJson = False) -> None:
    """Run a recipe: the `curate` flow, on an embedded Prefect API where none is configured."""
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    configure()
    _quiet()
    with embedded_api(loaded.engine.address, meanwhile=lambda: _check_and_import(loaded)):
        outcome = _run_flow(loaded, losses, silent=json_)
    if json_:
        result = {"release": outcome.release, "folder": outcome.folder, "message": outcome.message}
        typer.echo(json.dumps(result))
        return
    if outcome.manifest is not None:
        _print_funnel(outcome.manifest)
        _print_mixture(outcome.manifest)
        _print_packing(outcome.manifest)
        _print_warnings(outcome.manifest)
    out.print(outcome.message, markup=False, highlight=False)
    if outcome.release is not None:
        out.print(f"{outcome.folder}", markup=False, highlight=False, soft_wrap=True)


def _quiet() -> None:
    """What fails is said once, by us: nothing of Prefect's own on the terminal, unless the user asks for it."""
    for setting in ("PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_INTERNAL_LEVEL"):
        os.environ.setdefault(setting, "CRITICAL")
    for worker in ("EventsWorker", "APILogWorker"):  # they log under names of their own
        logging.getLogger(worker).setLevel(logging.CRITICAL)


def _check_and_import(recipe: Any) -> None:
    """What can be done while the API comes up: what is soonest said if it is wrong comes first."""
    from curation.recipes.recipe_paths import check_paths

    check_paths(recipe)
    from curation.mixture.planning import check_names

    check_names(recipe)
    importlib.import_module("flows.curate")


def _run_flow(recipe: Any, losses: str | None, *, silent: bool) -> Any:
    """The flow run, with progress bars on standard error; the first user error is raised as it is."""
    from flows import curate as curate_module
    from flows import progress

    outcome: list[Any] = []
    bars = progress.silent() if silent or not err.is_terminal else progress.terminal(err)
    state: Any = curate_module.with_engine(recipe, keep=outcome.append, progress=bars)(
        recipe, losses, return_state=True
    )
    if not state.is_completed():
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, BaseException):
            raise failure
        raise SyllabusError(f"the run ended as {state.name}")
    return outcome[0]


def _print_funnel(manifest: Any) -> None:
    table = Table(title="Funnel", title_justify="left")
    for name in ("stage", "in", "dropped", "out"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_column("by rule")
    for stage in manifest.funnel:
        rules = ", ".join(f"{rule} {n:,}" for rule, n in sorted(stage.dropped.items(), key=lambda x: -x[1]))
        table.add_row(stage.stage, f"{stage.in_:,}", f"{stage.in_ - stage.out:,}", f"{stage.out:,}", _plain(rules))
    out.print(table)
    count = manifest.errors["count"]
    if count["files"] or count["rows"]:
        out.print(
            f"set aside: {count['rows']:,} malformed rows, {count['files']:,} files (named in manifest.json, errors)"
        )


def _print_packing(manifest: Any) -> None:
    from curation.releases.report.packing import packing

    said = packing(manifest.model_dump(mode="json", by_alias=True))
    if said is not None:
        out.print(said, markup=False, highlight=False)


def _print_mixture(manifest: Any) -> None:
    from curation.releases.report.mixture import rows_of

    table = Table(title="Mixture", title_justify="left", caption="planned and realised: shares in the phase's unit")
    for name in ("phase", "group", "unit", "planned", "realised", "documents", "share", "tokens", "share"):
        table.add_column(name, justify="left" if name in ("phase", "group", "unit") else "right")
    for phase in manifest.phases:
        shown = rows_of(phase.model_dump())
        for row in shown[:12]:
            table.add_row(
                row.phase,
                _plain(row.group),
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


def _print_warnings(manifest: Any) -> None:
    from curation.releases.warnings import said, shown

    for warning in manifest.warnings:
        out.print(f"warning: {said(warning)}", markup=False, highlight=False, soft_wrap=True)
        for example in warning.examples:
            out.print(f"  {shown(example)}", markup=False, highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    """Text from outside as it may stand on a terminal: no markup, and no character that does not show."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))


@app.command()
def plan(
    recipe: RecipePath,
    overrides: Overrides = None,
    losses: Losses = None,
    sizes: Annotated[
        str | None, typer.Option(help="Declared group sizes, JSON: label -> tokens, or label -> {documents, tokens}.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Show phases, weights and budgets without writing shards: from the last release's pool where the recipe would give the
    same today, else from one that is prepared (cached, as `run` would), or from declared sizes."""
    from curation.methods.losses import read_losses
    from curation.mixture import declared, planned
    from curation.mixture.planning import check_names
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    check_names(loaded)
    report_losses = read_losses(losses) if losses is not None else None
    if sizes is not None:
        made = declared.plan_declared(loaded, declared.load_sizes(sizes), report_losses)
        found = planned.Planned(made, f"the sizes of {sizes}")
    else:
        found = planned.from_release(loaded, report_losses) or _prepared_plan(loaded, report_losses, silent=json_)
    plain = found.as_plain()
    if json_:
        typer.echo(json.dumps(plain))
        return
    phases = plain["phases"]
    table = Table(title=f"Plan of {loaded.name}", title_justify="left")
    for name in ("phase", "budget", "group", "weight", "target"):
        table.add_column(name, justify="right" if name in ("weight", "target") else "left")
    for phase in phases:
        first = True
        for label, weight in phase["weights"].items():
            target = f"{phase['targets'][label]:,.0f} {phase['unit']}"
            table.add_row(
                phase["name"] if first else "",
                f"{phase['budget']['amount']:,.0f}" if first else "",
                _plain(label),
                f"{weight:.4f}",
                target,
            )
            first = False
    out.print(table)
    for phase in phases:
        for note in phase["notes"]:
            out.print(f"{phase['name']}: {note}", markup=False, highlight=False)
    out.print(found.said, markup=False, highlight=False, soft_wrap=True)


def _prepared_plan(recipe: Any, losses: Any, *, silent: bool) -> Any:
    """The plan of a pool that is prepared for it, by the flow `plan`; the first user error is raised as it is."""
    configure()
    _quiet()
    with embedded_api(recipe.engine.address, meanwhile=lambda: importlib.import_module("flows.plan")):
        from flows import plan as plan_module
        from flows import progress

        made: list[Any] = []
        bars = progress.silent() if silent or not err.is_terminal else progress.terminal(err)
        flow: Any = plan_module.with_engine(recipe, keep=made.append, progress=bars, losses=losses)
        failure = flow(return_state=True).result(raise_on_failure=False)
    if isinstance(failure, BaseException):
        raise failure
    return made[0]


@app.command()
def methods(
    json_: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The recipes as the README's table.")] = False,
) -> None:
    """List the methods: recipes that ship and what they mirror, and the parts they are made of, with sources."""
    from curation.recipes import methods as listed
    from flows.serving import recipes_folder

    shipped = listed.examples(recipes_folder())
    parts = listed.parts(shipped)
    if json_:
        typer.echo(json.dumps({"recipes": [asdict(x) for x in shipped], "parts": [asdict(x) for x in parts]}))
        return
    if markdown:
        typer.echo(listed.as_markdown(shipped))
        return
    table = Table(title="Recipes (deployments/recipes/)", title_justify="left")
    for name in ("recipe", "mirrors", "what", "parts"):
        table.add_column(name, overflow="fold")
    for example in shipped:
        made_of = ", ".join(f"{idea} {name}" for idea, name in example.parts)
        table.add_row(example.name, _plain(example.method), _plain(example.description), made_of)
    out.print(table)
    table = Table(title="Parts", title_justify="left")
    for name in ("idea", "method", "what it does", "source", "recipes"):
        table.add_column(name, overflow="fold")
    for part in parts:
        table.add_row(part.idea, part.name, _plain(part.summary), _plain(part.source), ", ".join(part.recipes))
    out.print(table)


@app.command("train-classifier")
def train_classifier(recipe: RecipePath, overrides: Overrides = None, json_: AsJson = False) -> None:
    """Train the quality classifier of the recipe's section `train`: model, card and held-out figures."""
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    card = _flow_result("flows.train_classifier", "train_classifier", loaded)
    if json_:
        typer.echo(json.dumps(card))
        return
    held = card["held_out"]
    table = Table(title="Held out", title_justify="left")
    for name in ("documents", "precision", "recall", "f1", "roc_auc"):
        table.add_column(name, justify="right")
    table.add_row(*(str(held[name]) for name in ("documents", "precision", "recall", "f1", "roc_auc")))
    out.print(table)
    table = Table(title="Reliability", title_justify="left")
    for name in ("score", "mean score", "share good", "documents"):
        table.add_column(name, justify="right")
    for row in held["reliability"]:
        band = f"{row['from']:.1f} to {row['to']:.1f}"
        table.add_row(band, f"{row['mean_score']:.3f}", f"{row['share_good']:.3f}", str(row["documents"]))
    out.print(table)
    out.print(f"{card['path']}, its card beside it (.md, .json)", markup=False, highlight=False, soft_wrap=True)


@app.command()
def presets(json_: AsJson = False) -> None:
    """List the presets of `clean`: published pipelines, with the paper and the version of the code each one follows."""
    from schemas.presets import PRESETS

    if json_:
        typer.echo(json.dumps({name: preset._asdict() for name, preset in PRESETS.items()}))
        return
    table = Table(title="Presets (clean.preset)", title_justify="left")
    for name in ("preset", "paper", "code", "differs in", "ignored when texts are compared"):
        table.add_column(name, overflow="fold")
    for name, preset in PRESETS.items():
        table.add_row(name, preset.paper, preset.code, preset.differs, ", ".join(preset.normalise))
    out.print(table)


@app.command()
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
    json_: AsJson = False,
) -> None:
    """The life of a document: where it came from, each stage's verdict, what was kept instead, its positions."""
    from curation.releases import explain as explain_module
    from curation.releases import explain_cluster

    if cluster is not None:
        found = explain_cluster.cluster(_release(release), cluster)
        if json_:
            typer.echo(json.dumps(explain_cluster.as_dict(found), ensure_ascii=False))
        else:
            explain_cluster.show(found, out)
        return
    if (id_ is None) == (url is None):
        raise typer.BadParameter("give an ID or --url")
    life = explain_module.explain(_release(release), id=id_, url=url)
    if json_:
        typer.echo(json.dumps(explain_module.as_dict(life), ensure_ascii=False))
    else:
        explain_module.show(life, out)


@app.command()
def history(
    recipe: RecipePath,
    forget: Annotated[str | None, typer.Option(help="Take this release out of the history.")] = None,
    overrides: Overrides = None,
    json_: AsJson = False,
) -> None:
    """What the releases of a recipe with `dedup.history` remember, and how it grows."""
    from curation import storage
    from curation.dedup import band_index
    from curation.recipes.recipe_file import load
    from curation.releases import history as history
    from curation.releases.home import Home

    loaded = load(recipe, overrides or ())
    home = Home(storage.join(loaded.output, loaded.name))
    if forget is not None:
        history.forget(home, forget)
    found = history.remembered(home)
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    index = band_index.load(home.cache("history"))
    table = Table(title=f"History of {loaded.name}", title_justify="left")
    for name in ("release", "documents", "bytes", "documents in all"):
        table.add_column(name, justify="left" if name == "release" else "right")
    total = 0
    for one in found:
        total += one.documents
        table.add_row(one.release, f"{one.documents:,}", f"{one.bytes:,}", f"{total:,}")
    out.print(table)
    if index is not None:
        out.print(
            f"index: {index.rows:,} documents of {len(index.releases)} releases in {len(index.runs)} runs, {index.bytes:,} bytes"
        )


@app.command()
def report(
    release: ReleasePath,
    other: Annotated[
        str | None, typer.Argument(help="A later release: both side by side on one page.", metavar="[RELEASE]")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--output", help="Where to write; default: report.html of the release, or compared-with-….html."),
    ] = None,
) -> None:
    """Write one self-contained HTML page about a release, or about two side by side."""
    from curation import storage
    from curation.releases.report import compare
    from curation.releases.report import report as make_report

    folder = _release(release)
    manifest = _manifest(folder)
    if other is not None:
        later = _release(other)
        where = target or storage.join(later, f"compared-with-{manifest['release']}.html")
        page = compare(manifest, _manifest(later), (folder, later))
    else:
        where = target or storage.join(folder, "report.html")
        parent = storage.join(storage.parent(folder), str(manifest["parent"]))
        page = make_report(manifest, folder, _manifest(parent) if _holds_manifest(parent) else None)
    storage.put(where, page.encode())
    out.print(where, markup=False, highlight=False, soft_wrap=True)


@app.command()
def verify(release: ReleasePath, json_: AsJson = False) -> None:
    """Recompute every checksum and count of the manifest."""
    from curation.releases.verify import verify as find_faults

    folder = _release(release)
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


@app.command()
def schema() -> None:
    """Print the recipe's JSON Schema."""
    from schemas.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(by_alias=True), ensure_ascii=False, indent=2))


@app.command()
def serve(
    recipes: Annotated[
        list[str] | None, typer.Argument(help="Serve these recipes instead of those that ship.", metavar="[RECIPE]...")
    ] = None,
    prefect_file: Annotated[
        str | None, typer.Option(help="A prefect.yaml of your own, with schedules; default: the one that ships.")
    ] = None,
) -> None:
    """A Prefect server with its UI where none is configured, and every deployment served."""
    configure()
    from pathlib import Path

    from flows.serving import deployments_folder, serve_all

    serve_all(out, Path(prefect_file or deployments_folder() / "prefect.yaml"), recipes or ())


@app.command("evaluate-pool")
def evaluate_pool(recipe: RecipePath, overrides: Overrides = None, json_: AsJson = False) -> None:
    """What a recipe would keep: statistics, histograms and samples as a page, no shards and no release."""
    from curation.recipes.recipe_file import load

    result = _flow_result("flows.evaluate_pool", "evaluate_pool", load(recipe, overrides or ()))
    if json_:
        typer.echo(json.dumps(result))
        return
    from schemas.manifest import Manifest

    manifest = Manifest.model_validate(_evaluation(result["folder"]))
    _print_funnel(manifest)
    _print_warnings(manifest)
    out.print(f"{result['documents']:,} documents would be kept", markup=False, highlight=False)
    out.print(f"{result['folder']}/report.html", markup=False, highlight=False, soft_wrap=True)


@app.command()
def retain(
    recipe: RecipePath,
    keep_last: Annotated[int, typer.Option(min=1, help="How many of the newest releases stay.")] = 5,
    forget_history: Annotated[
        bool, typer.Option("--forget-history", help="Also remove releases that later runs are compared with.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    overrides: Overrides = None,
    json_: AsJson = False,
) -> None:
    """Keep the last releases of a recipe; remove older ones, unfinished ones, and cached partitions nothing needs."""
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    result = _flow_result("flows.retain", "retain", loaded, keep_last, forget_history, dry_run)
    if json_:
        typer.echo(json.dumps(result))
        return
    for name in result["removed"]:
        out.print(f"{'would go' if dry_run else 'removed'}  {name}", markup=False, highlight=False)
    for name, why in result["kept"].items():
        out.print(f"stays    {name}: {why}", markup=False, highlight=False)


def _flow_result(module: str, name: str, *arguments: Any) -> Any:
    """What a flow returns, run on an embedded API where none is configured; its user error is raised as it is."""
    configure()
    _quiet()
    with embedded_api(meanwhile=lambda: importlib.import_module(module)):
        flow = getattr(importlib.import_module(module), name)
        result = flow(*arguments, return_state=True).result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return result


def _manifest(folder: str) -> Any:
    from curation.releases.home import read_manifest

    return read_manifest(folder)


def _evaluation(folder: str) -> Any:
    from curation import storage

    return json.loads(storage.read_bytes(storage.join(folder, "evaluation.json")))


def _holds_manifest(folder: str) -> bool:
    from curation import storage

    return storage.exists(storage.join(folder, "manifest.json"))


def _release(path: str) -> str:
    from curation.releases.home import resolve

    try:
        return resolve(path)
    except FileNotFoundError as error:
        _fail(str(error), 1)


def _fail(message: str, code: int) -> NoReturn:
    err.print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(code)


def main() -> NoReturn:
    """The console script. Leaves without the libraries' own teardown: Arrow's threads were seen to abort there."""
    code = _command()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _command() -> int:
    """Run the command line; its exit code. User errors become one clear line each, never a traceback."""
    try:
        app(prog_name="syllabus")
    except RecipeMistakes as error:
        for mistake in error.mistakes:
            err.print(f"error: {mistake}", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except SyllabusError as error:
        err.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        err.print("error: interrupted; a rerun goes on where this one stopped", markup=False, highlight=False)
        return 1
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        err.print(f"error: {_in_a_line(error)}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


STORES = ("botocore", "aiobotocore", "s3fs", "gcsfs", "google", "adlfs", "azure", "aiohttp")
"""Modules whose exceptions are an object store's."""


def _in_a_line(error: Exception) -> str:
    """An exception that no stage has made a message of: what the disk or the store says, else a fault of ours."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror is not None and not isinstance(error, ConnectionError):
        where = error.filename2 or error.filename
        place = f"{os.fsdecode(where)}: " if isinstance(where, str | bytes) else ""
        return f"{place}{error.strerror} ({kind}); see that the place is there, is a folder where one is meant, and may be written"
    if type(error).__module__.startswith("httpx") or "Failed to reach API" in str(error):
        return (
            f"the Prefect API at {os.environ.get('PREFECT_API_URL')} does not answer ({kind}); start it, or unset "
            "PREFECT_API_URL to run without one"
        )
    if type(error).__module__.split(".")[0] in STORES or isinstance(error, PermissionError):
        return (
            f"the object store does not let us in, or does not answer ({kind}: {str(error).splitlines()[0][:200] if str(error) else ''}); "
            "its credentials and endpoint come from the environment (for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
            "AWS_PROFILE, AWS_ENDPOINT_URL)"
        )
    return f"this is a fault of Syllabus ({kind}); what happened stands in {_logged()}, please report it"


def _logged() -> str:
    """Where the traceback of the exception at hand is kept: it may hold text of documents, so not on the terminal."""
    handle, path = tempfile.mkstemp(prefix="syllabus-fault-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        traceback.print_exc(file=log)
    return path


if __name__ == "__main__":
    main()
