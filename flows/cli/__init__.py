"""The command line, a command a function: what is listed here is what there is."""

from __future__ import annotations

import atexit
import importlib.metadata
import multiprocessing
import os
import sys
import threading
from typing import Annotated, NoReturn

import typer

from flows.cli.classifier import train_classifier
from flows.cli.evaluate_pool import evaluate_pool
from flows.cli.faults import in_a_line
from flows.cli.keeping import history, retain
from flows.cli.listings import methods, presets, schema
from flows.cli.look import init, look
from flows.cli.plan import plan
from flows.cli.reading import explain, export, report, verify
from flows.cli.run import run
from flows.cli.serve import serve
from flows.cli.swarm import swarm
from flows.cli.terminal import err
from schemas.errors import RecipeError, RecipeMistakes, SyllabusError

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    help="From raw text to an ordered, training-ready data set. Exit codes: 0 done, 1 the run failed, 2 the recipe is "
    "wrong, 3 unknown document, 4 a release does not hold.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)

COMMANDS = (
    run,
    init,
    look,
    plan,
    methods,
    train_classifier,
    presets,
    explain,
    export,
    history,
    report,
    verify,
    schema,
    serve,
    evaluate_pool,
    swarm,
    retain,
)
for command in COMMANDS:
    app.command(context_settings=HELP)(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"syllabus {importlib.metadata.version('syllabus')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else.")
    ] = False,
) -> None:
    pass


LEAVING_SECONDS = 15
"""What is registered for the exit may take so long."""
INTERRUPTED = 130
"""What typer leaves with after Ctrl-C (128 + SIGINT)."""


def main() -> NoReturn:
    """The console script. Leaves without the libraries' own teardown: Arrow's threads were seen to abort there.

    What is registered for the exit runs, but not for ever: it was seen to wait for a worker of a pool that had broken.
    """
    code = _command()
    for worker in multiprocessing.active_children():
        worker.kill()
    leaving = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
    leaving.start()
    leaving.join(LEAVING_SECONDS)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(error: SyllabusError) -> None:
    """An error in one line, with where the reference tells of the field that it names."""
    see = ""
    if isinstance(error, RecipeError):
        from curation.recipes.reference import link

        told = link(error.place)
        see = f" [{told}]" if told is not None else ""
    err.print(f"error: {error}{see}", markup=False, highlight=False, soft_wrap=True)


def _command() -> int:
    """Run the command line; its exit code. User errors become one clear line each, never a traceback."""
    try:
        app(prog_name="syllabus")
    except RecipeMistakes as error:
        for mistake in error.mistakes:
            _say(mistake)
        return error.exit_code
    except SyllabusError as error:
        _say(error)
        return error.exit_code
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            err.print("interrupted: what is done stays, and the same command goes on from there", markup=False)
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        err.print(f"error: {in_a_line(error)}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0
