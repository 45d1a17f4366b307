"""`serve`: the deployments, and a server where there is none."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.terminal import out
from flows.embedded_api import configure


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

    from flows.recipe_choice import deployments_folder
    from flows.serving import serve_all

    serve_all(out, Path(prefect_file or deployments_folder() / "prefect.yaml"), recipes or ())
