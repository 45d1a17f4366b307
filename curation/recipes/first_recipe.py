"""A recipe for files that nobody has described yet, from a look into them."""

from __future__ import annotations

import glob
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation import storage
from curation.cleaning.fasttext.model import predict
from curation.cleaning.language import model_path
from curation.readers.columns import printable
from curation.readers.formats import plain_files, unpacked
from curation.readers.look import Kind, Look, look, look_at_plain, role
from curation.recipes.recipe_paths import everything_under, files_of
from schemas.cleaning import Language
from schemas.errors import RecipeError
from schemas.sources import Columns

VALUES, VALUE_CHARS = 3, 40
COLUMNS = 12
"""Of a kind of files, that are shown."""


@dataclass(frozen=True)
class Told:
    """A kind of files in words. under: the path that was asked for; source: what the recipe says of it; None, with the reason, where
    it is left out."""

    kind: Kind
    under: str
    languages: dict[str, int]
    source: dict[str, Any] | None
    reason: str | None

    def as_plain(self) -> dict[str, Any]:
        kind = self.kind
        return {
            "folder": kind.folder,
            "ending": kind.ending,
            "files": len(kind.files),
            "bytes": kind.bytes,
            "looked_at": kind.looked_at,
            "rows": kind.rows,
            "bad_rows": kind.bad,
            "columns": {
                name: {"kind": column.kind, "values": values_of(column.examples)}
                for name, column in list(kind.columns.items())[:COLUMNS]
            },
            "text": kind.text,
            "prompt": kind.prompt,
            "record": kind.record,
            "why": kind.why,
            "languages": self.languages,
            "source": self.source,
            "left_out": self.reason,
        }


def look_at(paths: Sequence[str]) -> tuple[Look, list[Told]]:
    """What stands at these paths: files, folders or globs. Raises RecipeError for one that leads to nothing."""
    infos: dict[str, storage.FileInfo] = {}
    under: dict[str, str] = {}
    plain: list[Told] = []
    for path in paths:
        found = storage.glob(path)
        if len(found) == 1 and found[0].kind == "directory":
            found = everything_under(path)
        files = [info for info in found if info.kind != "directory"]
        if not files:
            files_of(path, path)  # says what is wrong with it
        of_plain = _plain(path, {info.path: info for info in files if info.kind == "file"})
        plain += of_plain
        apart = {info.path for one in of_plain for info in one.kind.files}
        files = [info for info in files if info.path not in apart]
        infos |= {info.path: info for info in files}
        under |= {info.path: path for info in files}
    seen = look([infos[path] for path in sorted(infos)])
    seen.files += sum(len(one.kind.files) for one in plain)
    seen.looked_into += sum(one.kind.looked_at for one in plain)
    return seen, [*(_told(kind, under[kind.files[0].path]) for kind in seen.kinds), *plain]


def _plain(under: str, files: dict[str, storage.FileInfo]) -> list[Told]:
    """Code and texts that stand at a path, a file each."""
    made = []
    for form, paths in plain_files(list(files)).items():
        if not paths:
            continue
        kind = look_at_plain([files[path] for path in paths], under, form)
        source: dict[str, Any] = {"format": form, "paths": [under] if under in files else _globs(under, paths)}
        made.append(Told(kind, under, {} if form == "code" else _languages(kind), source, None))
    return made


def _globs(under: str, paths: Sequence[str]) -> list[str]:
    """A glob for each ending where a folder was asked for; else the files themselves."""
    if glob.has_magic(under):
        return sorted(paths)
    endings = set()
    for name in map(storage.name, paths):
        stem, _, _ = unpacked(name)[0].rpartition(".")
        endings.add(name[len(stem) + 1 :])
    return [f"{glob.escape(under.rstrip('/'))}/**/*.{ending}" for ending in sorted(endings)]


def _told(kind: Kind, under: str) -> Told:
    if kind.fault is not None:
        return Told(kind, under, {}, None, kind.fault)
    defaults = Columns().model_dump()
    own = {what: role(kind, what) for what in ("id", "url", "date")}
    if kind.record is not None:
        source: dict[str, Any] = {"kind": kind.record, "paths": _paths(kind)}
        named = {
            what: name for what, name in {**kind.parts, **own}.items() if name is not None and name != defaults[what]
        }
        return Told(kind, under, {}, source | ({"columns": named} if named else {}), None)
    if kind.text is None:
        shown = ", ".join(f"`{printable(name)}`" for name in list(kind.columns)[:5])
        return Told(kind, under, {}, None, f"no column looks like a text: {shown}; name it, columns: {{text: …}}")
    source = {"paths": _paths(kind)}
    columns = {"text": kind.text, **own}
    named = {what: name for what, name in columns.items() if name is not None and name != defaults[what]}
    if kind.ending.startswith(".txt"):
        named = {}
    if named:
        source["columns"] = named
    if kind.prompt is not None:
        source["prompt_column"] = kind.prompt
    return Told(kind, under, _languages(kind), source, None)


def _paths(kind: Kind) -> list[str]:
    """A glob where the folder's files of that ending are all of this kind, else each file."""
    if len(kind.files) == 1:
        return [kind.files[0].path]
    folder = f"{glob.escape(kind.folder)}/" if kind.folder else ""
    pattern = f"{folder}*{kind.ending}"
    if {info.path for info in storage.glob(pattern)} == {info.path for info in kind.files}:
        return [pattern]
    return [info.path for info in kind.files]


def sources_of(told: Sequence[Told]) -> list[tuple[dict[str, Any], list[Told]]]:
    """The recipe's sources, each with what it is of: files under one path whose columns mean the same are one source."""
    groups: dict[str, list[Told]] = {}
    for one in told:
        if one.source is not None:
            mapping = {name: value for name, value in one.source.items() if name != "paths"}
            groups.setdefault(json.dumps([one.under, mapping]), []).append(one)
    names: Counter[str] = Counter()
    made = []
    for mine in groups.values():
        source = mine[0].source or {}
        paths = [path for one in mine for path in (one.source or {})["paths"]]
        made.append(({"name": _name(mine[0].under, names), **source, "paths": paths}, mine))
    return made


def _name(under: str, names: Counter[str]) -> str:
    """After the path that was asked for."""
    base = storage.name(under).split(".")[0].replace("*", "")
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", base).strip("-_.") or "files"
    names[plain] += 1
    return plain if names[plain] == 1 else f"{plain}-{names[plain]}"


def _languages(kind: Kind) -> dict[str, int]:
    """Languages of the texts looked at, the most frequent first; none where the model is not installed."""
    texts = kind.columns[kind.text].examples if kind.text in kind.columns else []
    if not texts:
        return {}
    try:
        labels, _ = predict(pa.array(texts, pa.large_string()), model_path(Language()), place="clean.language.model")
    except RecipeError:
        return {}
    return dict(Counter(label for label in labels if label is not None).most_common(5))


def values_of(examples: Sequence[str]) -> list[str]:
    """Some values, cut short, on a line each."""
    return [printable(value.replace("\n", " ")[:VALUE_CHARS]) for value in examples[:VALUES]]


def recipe_of(told: Sequence[Told], name: str) -> str:
    """The recipe as YAML with comments. Raises RecipeError where no file can be read."""
    sources = sources_of(told)
    if not sources:
        reasons = "; ".join(f"{one.kind.files[0].path}: {one.reason}" for one in told[:3])
        raise RecipeError("paths", f"nothing here can be read. {reasons or 'There is no file of a known kind'}")
    lines = [
        "# Written by `syllabus init` from what the files hold. Run it: syllabus run FILE",
        f"name: {json.dumps(name)}",
        "sources:",
    ]
    for source, mine in sources:
        kind = mine[0].kind
        files = sum(len(one.kind.files) for one in mine)
        said = f"{files:,} {'file' if files == 1 else 'files'}, {sum(one.kind.bytes for one in mine):,} bytes"
        what = f"kind: {kind.record}" if kind.record is not None else f"text: column {printable(kind.text or '')}"
        what = f"format: {kind.plain}" if kind.plain is not None else what
        lines.append(f"  # {said}; {what}, {kind.why}")
        languages = Counter[str]()
        for one in mine:
            languages.update(one.languages)
        if languages:
            counted = ", ".join(f"{label} {n}" for label, n in languages.most_common(5))
            lines.append(f"  # languages of {sum(languages.values())} texts: {counted}")
        bad, rows = sum(one.kind.bad for one in mine), sum(one.kind.rows for one in mine)
        if bad:
            lines.append(f"  # {bad} of {rows + bad} rows looked at are no sound rows: they will be set aside")
        lines.append(f"  - name: {json.dumps(source['name'])}")
        lines += [
            f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in source.items() if key != "name"
        ]
    left_out = [one for one in told if one.source is None]
    lines += [f"# left out: {printable_path(one.kind)}: {one.reason}" for one in left_out]
    lines += [
        "clean:",
        "  unicode: nfc",
        "  # language: {keep: [en]}            # keep some languages only",
        "  # rules: [gopher_quality]           # published filters: syllabus presets",
        "dedup:",
        "  exact: true",
        "  minhash: {}                         # near duplicates; null leaves them in",
        "# mixture: {by: source, method: fixed, weights: {…}}   # natural proportions by default",
        "# phases: [{name: main, tokens: 1_000_000}]           # one pass over all, shuffled, by default",
    ]
    return "\n".join(lines) + "\n"


def printable_path(kind: Kind) -> str:
    """Where a kind of files lies."""
    place = kind.files[0].path if len(kind.files) == 1 else f"{kind.folder or '.'}/*{kind.ending}"
    return "".join(c if c.isprintable() else "?" for c in place)
