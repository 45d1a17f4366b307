"""Where raw text comes from, and which of its columns mean what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.section import Section

SOURCE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
ColumnName = Annotated[str, Field(min_length=1)]
Glob = Annotated[str, Field(min_length=1)]


Kind = Literal["text", "instruction", "conversation", "preference", "verifiable"]
Role = Literal["system", "user", "assistant", "tool"]
RECORD_COLUMNS: dict[str, tuple[str, ...]] = {
    "conversation": ("messages",),
    "preference": ("prompt", "chosen", "rejected"),
    "verifiable": ("prompt", "ground_truth", "verifier"),
}
"""Kinds of records that are made of turns, and the columns that they are read from."""
OPTIONAL_COLUMNS = {"preference": ("prompt",), "verifiable": ("verifier",)}
"""Of those, the ones that a file may lack where the recipe does not name them."""
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
}
"""What data sets call the roles: OpenAI's, ShareGPT's, OpenAssistant's and Llama's names."""


def _as_list(value: object) -> object:
    """One glob stands for a list of one."""
    return [value] if isinstance(value, str) else value


def names_of(column: str | list[str] | None) -> tuple[str, ...]:
    """The columns that a field names."""
    return () if column is None else (column,) if isinstance(column, str) else tuple(column)


class Columns(Section):
    """Names of the columns in the files; dotted names reach into structs (a column of that very name goes first)."""

    text: ColumnName | Annotated[list[ColumnName], Field(min_length=1)] = "text"
    """What is trained on; a file without it is set aside. Not asked of .txt files: their text is the file. Several columns make one
    text, in this order, joined by `join`; one that is null or empty in a row is left out there."""
    join: str = "\n\n"
    """Stands between the columns of a text, or of a prompt, that is made of several."""
    id: ColumnName | None = "id"
    """The document's own name: a string or a number; null reads none."""
    url: ColumnName | None = "url"
    """Where it was found; null reads none."""
    date: ColumnName | None = "date"
    """When it was written: an ISO 8601 date or time, else the document has no date; null reads none."""
    messages: ColumnName = "messages"
    """Conversations: the turns, a list of {role, content} or {from, value}, or JSON of one."""
    prompt: ColumnName = "prompt"
    """Preference and verifiable records: what is asked, a text or a list of turns. A preference record has it optionally: its
    answers may be whole conversations."""
    chosen: ColumnName = "chosen"
    """Preference records: the better answer, a text or a list of turns."""
    rejected: ColumnName = "rejected"
    """Preference records: the worse answer, a text or a list of turns."""
    ground_truth: ColumnName = "ground_truth"
    """Verifiable records: what the verifier compares an answer with; what is no string is kept as JSON."""
    verifier: ColumnName = "verifier"
    """Verifiable records: the verifier's name."""

    def required(self, kind: Kind = "text") -> tuple[str, ...]:
        """The columns that a file must have: those that its kind is made of, and each whose name is not the default one.

        A default name is optional even where a recipe writes it out, so that a resolved recipe (every default written
        out) reads the same files as the short one.
        """
        defaults = type(self)()
        named = [
            name
            for field in ("id", "url", "date")
            if (name := getattr(self, field)) is not None and name != getattr(defaults, field)
        ]
        parts = RECORD_COLUMNS.get(kind, ("text",))
        optional = [part for part in OPTIONAL_COLUMNS.get(kind, ()) if getattr(self, part) == getattr(defaults, part)]
        asked = [name for part in parts if part not in optional for name in names_of(getattr(self, part))]
        return (*asked, *named)

    def of_kind(self, kind: Kind) -> dict[str, Any]:
        """The names of the columns that a source of this kind is read by."""
        parts = {part: getattr(self, part) for part in (*RECORD_COLUMNS.get(kind, ("text",)), "id", "url", "date")}
        return parts if self.join == Columns.model_fields["join"].default else {**parts, "join": self.join}


class Source(Section):
    """Files that belong together: one label, one mapping of columns."""

    name: Annotated[str, Field(pattern=SOURCE_NAME)]
    """Becomes the column `source`, and the group's label where the mixture is by source."""
    kind: Kind = "text"
    """What a record is. text: `columns.text`. instruction: an answer, `columns.text`, and its prompt, `prompt_column` (set, it
    makes this the kind). conversation: turns, `columns.messages`. preference: a prompt with a chosen and a rejected answer.
    verifiable: a prompt with what its answers are checked against. Of the last three the text that rules and duplicates go by
    is the turns (of a preference: the prompt and the chosen answer), joined by blank lines; see `clean.turns`."""
    paths: Annotated[
        list[Glob], BeforeValidator(_as_list, json_schema_input_type=list[Glob] | Glob), Field(min_length=1)
    ]
    """Globs (`*`, `?`, `[a-z]`, `**` for any depth), local or object-store URLs: .jsonl .ndjson .json .parquet .csv .tsv
    .txt .warc, plain or .gz .zst .bz2 .xz; a folder means all such files under it. Hidden files and folders are skipped."""
    format: Literal["rows", "text", "code"] = "rows"
    """rows: files of records. text, code: plain files, one document each, whatever their name (of a folder: .txt .md .rst .tex .html …, or those
    whose ending says a programming language); each has the tag `path`, its place under the source's path, and code `programming_language`."""
    records: ColumnName | None = None
    """JSON files that wrap their records: the dotted path of the list that holds them (`data`, `response.docs`), in each
    object of a file. Null: a file that is one object without a text is read where one list of objects stands at its top
    level and has the columns that are needed; other formats have no wrappers."""
    columns: Columns = Columns()
    """The columns' names in the files."""
    prompt_column: ColumnName | Annotated[list[ColumnName], Field(min_length=1)] | None = None
    """Instruction data: the column of the prompt, kept apart from `text` (the response); `columns.prompt` where null. Several
    (Alpaca: `[instruction, input]`) are joined as those of a text are."""
    roles: dict[Annotated[str, Field(min_length=1)], Role] = {}
    """What the file calls a role, where that is none of the usual names (`human`, `gpt`, …): its name -> the role."""
    tags: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = {}
    """Constants for every document of the source: name -> label. Each is a column of the shards."""

    @model_validator(mode="before")
    @classmethod
    def _a_prompt_makes_an_instruction(cls, value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("prompt_column") is not None and value.get("kind") is None:
                return {**value, "kind": "instruction"}
            if value.get("kind") == "instruction" and value.get("prompt_column") is None:
                columns = value.get("columns")
                return {
                    **value,
                    "prompt_column": (columns if isinstance(columns, dict) else {}).get("prompt", "prompt"),
                }
        return value

    @model_validator(mode="after")
    def _kind_and_columns(self) -> Source:
        if self.format != "rows" and (self.kind != "text" or self.records is not None):
            raise ValueError(f"format: {self.format} is one text a file; leave out kind, prompt_column and records")
        if self.kind != "instruction" and self.prompt_column is not None:
            instead = "columns: {prompt: …}" if "prompt" in RECORD_COLUMNS.get(self.kind, ()) else "kind: instruction"
            raise ValueError(f"prompt_column is for kind: instruction, this source is {self.kind}; write {instead}")
        if self.roles and not self.has_turns:
            raise ValueError(f"roles are for records that are made of turns; this source is kind: {self.kind}")
        every = {"text", *(column for columns in RECORD_COLUMNS.values() for column in columns)}
        mine = {"text", "prompt"} if self.kind == "instruction" else set(RECORD_COLUMNS.get(self.kind, ("text",)))
        for field in sorted(self.columns.model_fields_set & (every - mine)):
            if getattr(self.columns, field) != Columns.model_fields[field].default:
                raise ValueError(f"columns.{field} is not read of kind: {self.kind}; set the source's kind")
        return self

    @property
    def has_turns(self) -> bool:
        """Whether its records are made of turns."""
        return self.kind in RECORD_COLUMNS
