"""`look` and `init`: what files hold, and a first recipe for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.table import Table

from flows.cli.terminal import AsJson, fail, out, printable

if TYPE_CHECKING:
    from curation.recipes.first_recipe import Told

Paths = Annotated[list[str], typer.Argument(help="Files, folders or globs.", metavar="PATH…")]


def look(paths: Paths, json_: AsJson = False) -> None:
    """What files hold: columns with some values, which one is the text, languages, and what would be set aside."""
    from curation.recipes.first_recipe import look_at

    seen, told = look_at(paths)
    if json_:
        plain = {"files": seen.files, "looked_into": seen.looked_into, "unknown": seen.strangers}
        typer.echo(json.dumps({**plain, "kinds": [one.as_plain() for one in told]}, ensure_ascii=False))
    else:
        _show(seen, told)
    if not any(one.source is not None for one in told):
        raise typer.Exit(2)


def init(
    paths: Paths,
    target: Annotated[str, typer.Option("--output", help="Where to write the recipe.")] = "recipe.yaml",
    name: Annotated[str | None, typer.Option(help="The recipe's name; default: after the first path.")] = None,
) -> None:
    """Write a commented recipe that runs, from what the files hold."""
    from curation.recipes.first_recipe import look_at, recipe_of
    from curation.recipes.recipe_file import validate

    if Path(target).exists():
        fail(f"{target} is there already; name another with --output, or remove it", 2)
    seen, told = look_at(paths)
    plain = re.sub(r"[^a-z0-9-]+", "-", (name or Path(paths[0]).stem.split(".")[0]).lower()).strip("-") or "recipe"
    text = recipe_of(told, plain)
    validate(yaml.safe_load(text))
    Path(target).write_text(text, encoding="utf-8")
    _show(seen, told)
    out.print(f"\n{target} is written. Next: syllabus run {target}", markup=False, highlight=False, soft_wrap=True)


def _show(seen: Any, told: list[Told]) -> None:
    from curation.recipes.first_recipe import printable_path, values_of

    for one in told:
        kind = one.kind
        title = f"{printable_path(kind)}: {len(kind.files):,} files, {kind.bytes:,} bytes"
        out.print(title, markup=False, highlight=False, style="bold", soft_wrap=True)
        if one.reason is not None:
            out.print(f"  set aside: {one.reason}", markup=False, highlight=False, soft_wrap=True)
        if kind.columns:
            table = Table("column", "holds", "values", box=None, padding=(0, 2, 0, 2))
            for name, column in list(kind.columns.items())[:12]:
                roles = {kind.text: "text", kind.prompt: "prompt"} | {of: part for part, of in kind.parts.items() if of}
                role = f" ({roles[name]})" if name in roles else ""
                values = " · ".join(values_of(column.examples))
                table.add_row(printable(name) + role, printable(column.kind), printable(values))
            out.print(table)
        if one.source is not None:
            what = f"kind: {kind.record}" if kind.record is not None else f"text: {kind.text}"
            what = f"format: {kind.plain}" if kind.plain is not None else what
            said = f"  {what}, {kind.why}"
            if one.languages:
                said += f"; languages: {', '.join(f'{label} {n}' for label, n in one.languages.items())}"
            out.print(said, markup=False, highlight=False, soft_wrap=True)
        if kind.bad:
            out.print(
                f"  {kind.bad} of {kind.rows + kind.bad} rows looked at are not sound", markup=False, highlight=False
            )
    for ending, n in sorted(seen.strangers.items()):
        out.print(f"{n:,} files of no known kind ({printable(ending)}) are passed over", markup=False, highlight=False)
    if seen.looked_into < seen.files:
        out.print(f"looked into {seen.looked_into:,} of {seen.files:,} files", markup=False, highlight=False)
