"""Where raw text comes from, and which of its columns mean what."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from schemas.section import Section

SOURCE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
ColumnName = Annotated[str, Field(min_length=1)]
Glob = Annotated[str, Field(min_length=1)]


def _as_list(value: object) -> object:
    """One glob stands for a list of one."""
    return [value] if isinstance(value, str) else value


class Columns(Section):
    """Names of the columns in the files; dotted names reach into structs (a column of that very name goes first)."""

    text: ColumnName = "text"
    """What is trained on; a file without it is set aside. Not asked of .txt files: their text is the file."""
    id: ColumnName | None = "id"
    """The document's own name: a string or a number; null reads none."""
    url: ColumnName | None = "url"
    """Where it was found; null reads none."""
    date: ColumnName | None = "date"
    """When it was written: an ISO 8601 date or time, else the document has no date; null reads none."""

    def required(self) -> tuple[str, ...]:
        """The columns that a file must have: `text`, and each whose name is not the default one.

        A default name is optional even where a recipe writes it out, so that a resolved recipe (every default written
        out) reads the same files as the short one.
        """
        defaults = type(self)()
        named = [
            name
            for field in ("id", "url", "date")
            if (name := getattr(self, field)) is not None and name != getattr(defaults, field)
        ]
        return (self.text, *named)


class Source(Section):
    """Files that belong together: one label, one mapping of columns."""

    name: Annotated[str, Field(pattern=SOURCE_NAME)]
    """Becomes the column `source`, and the group's label where the mixture is by source."""
    paths: Annotated[
        list[Glob], BeforeValidator(_as_list, json_schema_input_type=list[Glob] | Glob), Field(min_length=1)
    ]
    """Globs (`*`, `?`, `[a-z]`, `**` for any depth), local or object-store URLs: .jsonl .ndjson .json .parquet .csv .tsv
    .txt, plain or .gz .zst .bz2 .xz; a folder means all such files under it. Hidden files and folders are skipped."""
    records: ColumnName | None = None
    """JSON files that wrap their records: the dotted path of the list that holds them (`data`, `response.docs`), in each
    object of a file. Null: a file that is one object without a text is read where one list of objects stands at its top
    level and has the columns that are needed; other formats have no wrappers."""
    columns: Columns = Columns()
    """The columns' names in the files."""
    prompt_column: ColumnName | None = None
    """Instruction data: the column of the prompt, kept apart from `text` (the response)."""
    tags: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = {}
    """Constants for every document of the source: name -> label. Each is a column of the shards."""
