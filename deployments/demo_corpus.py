"""A small real corpus from what the Python installation itself ships: `python -m deployments.demo_corpus FOLDER`.

Four sources, each in another file format: documentation (help topics, docstrings, text files), source code of the
standard library, licence texts and package descriptions. Near-duplicates come by themselves: pip carries copies of
packages that are installed beside it, and most licences are one of a few texts with another name in them.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

DOCUMENTED = ("numpy", "scipy", "polars", "prefect", "sqlalchemy", "pydantic", "fsspec", "rich", "typer")
"""Installed packages whose docstrings join those of the standard library."""
COPIED = ("certifi", "idna", "packaging", "pip", "pygments", "requests", "rich", "urllib3")
"""Installed packages whose source joins the standard library's: pip carries copies of the others."""
LEFT_OUT = frozenset(
    {"test", "tests", "idle_test", "testing", "site-packages", "dist-packages", "__pycache__", "pydoc_data"}
)
MIN_DOCSTRING_CHARS = 400
MAX_DOCSTRINGS_A_PACKAGE = 500
MAX_FILE_BYTES = 400_000

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "text", "url", "date", "kind", "package")],
)


class Document(TypedDict):
    """One row of every source; `date` is null, as an installation does not tell it."""

    id: str
    text: str
    url: str
    date: str | None
    kind: str
    package: str


def collect(folder: Path) -> dict[str, int]:
    """Write the four source files into `folder`; file name → number of documents. The same installation gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        "docs.jsonl.gz": [*help_topics(), *docstrings(), *text_files()],
        "source.parquet": list(source_files()),
        "licences.jsonl": list(licences()),
        "packages.jsonl.zst": list(descriptions()),
    }
    for name, documents in sources.items():
        _write(folder / name, sorted(documents, key=lambda document: document["id"]))
    return {name: len(documents) for name, documents in sources.items()}


def help_topics() -> Iterator[Document]:
    """The topics of Python's `help()`, which are chapters of the language reference."""
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions pack it apart
        return
    for name, text in topics.items():
        yield _document(f"topic/{name}", text, "https://docs.python.org/3/reference/index.html", "topic", "python")


def docstrings() -> Iterator[Document]:
    """Long docstrings of the standard library and of some installed packages, read without importing them."""
    for package, root, paths in (
        ("python", _stdlib(), _python_files(_stdlib())),
        *((name, root.parent, _python_files(root)) for name, root in _roots(DOCUMENTED)),
    ):
        count = 0
        for path in paths:
            module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            for name, text in _docstrings_of(path):
                if len(text) < MIN_DOCSTRING_CHARS or (package != "python" and count >= MAX_DOCSTRINGS_A_PACKAGE):
                    continue
                count += 1
                whole = f"{module}.{name}" if name else module
                yield _document(f"docstring/{whole}", text, _url(package, module.split(".")[0]), "docstring", package)


def text_files() -> Iterator[Document]:
    """READMEs, news and help texts that lie among the modules of the standard library."""
    root = _stdlib()
    for path in _files(root, (".txt", ".rst", ".md")):
        text = _read(path)
        if text is not None:
            place = path.relative_to(root).as_posix()
            yield _document(f"file/{place}", text, _repository(place), "file", "python")


def source_files() -> Iterator[Document]:
    """Python source: the standard library, and packages of which pip carries a copy."""
    root = _stdlib()
    for path in _python_files(root):
        text = _read(path)
        if text is not None:
            place = path.relative_to(root).as_posix()
            yield _document(f"Lib/{place}", text, _repository(place), "module", "python")
    for name, package in _roots(COPIED):
        for path in _python_files(package):
            text = _read(path)
            if text is not None:
                place = path.relative_to(package.parent).as_posix()
                yield _document(f"site/{place}", text, _url(name, name), "module", name)


def licences() -> Iterator[Document]:
    """Licence, notice and author files of the installed distributions."""
    words = ("licen", "copying", "notice", "authors")
    for name, distribution in _distributions():
        for file in distribution.files or []:
            path = Path(str(file.locate()))
            inside = any(part.endswith(".dist-info") for part in file.parts)
            if inside and any(word in file.name.lower() for word in words) and path.suffix not in (".py", ".pyc"):
                text = _read(path)
                if text is not None:
                    yield _document(f"{name}/{'/'.join(file.parts[1:])}", text, _home(distribution), "licence", name)


def descriptions() -> Iterator[Document]:
    """What the installed distributions say about themselves: the body of their metadata."""
    for name, distribution in _distributions():
        found = distribution.metadata
        text = found["Description"] or str(found.get_payload() or "")  # type: ignore[attr-defined]
        if text.strip():
            yield _document(name, text, _home(distribution), "description", name)


def _document(name: str, text: str, url: str, kind: str, package: str) -> Document:
    # What is in no encoding (a lone surrogate) cannot be written as UTF-8.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return {"id": name, "text": text, "url": url, "date": None, "kind": kind, "package": package}


def _write(path: Path, documents: list[Document]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(documents), schema=SCHEMA), path, compression="zstd")
        return
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents).encode()
    if path.suffix == ".gz":
        lines = gzip.compress(lines, mtime=0)
    elif path.suffix == ".zst":
        lines = zstandard.ZstdCompressor().compress(lines)
    path.write_bytes(lines)


def _stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _roots(names: tuple[str, ...]) -> list[tuple[str, Path]]:
    site = Path(sysconfig.get_path("purelib"))
    return [(name, site / name) for name in names if (site / name).is_dir()]


def _files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix in suffixes and not LEFT_OUT.intersection(path.relative_to(root).parts[:-1]) and path.is_file():
            yield path


def _python_files(root: Path) -> Iterator[Path]:
    return _files(root, (".py",))


def _read(path: Path) -> str | None:
    """The text, or None where the file is empty, big, not there or not UTF-8."""
    try:
        if not 0 < path.stat().st_size <= MAX_FILE_BYTES:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.strip() else None


def _docstrings_of(path: Path) -> Iterator[tuple[str, str]]:
    """(qualified name, docstring) of the module, its classes, functions and methods; names are unique in a module."""
    text = _read(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's source
            tree = ast.parse(text or "")
    except (SyntaxError, ValueError):
        return
    found: dict[str, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node)
            if doc:
                found.setdefault(name, doc)
            for child in node.body:
                if isinstance(
                    child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ) and not child.name.startswith("_"):
                    visit(child, f"{name}.{child.name}".lstrip("."))

    visit(tree, "")
    yield from found.items()


def _distributions() -> list[tuple[str, metadata.Distribution]]:
    """Installed distributions by lower-case name, each once, in order."""
    named = {(found.metadata["Name"] or "").lower(): found for found in metadata.distributions()}
    return sorted((name, found) for name, found in named.items() if name)


def _home(distribution: metadata.Distribution) -> str:
    """A page of the distribution: its home page, else its repository, else its page in the index."""
    found = distribution.metadata
    links = {"homepage": found["Home-page"] or ""}
    for entry in found.get_all("Project-URL") or []:
        label, _, url = entry.partition(",")
        links.setdefault(label.strip().lower(), url.strip())
    for label in ("homepage", "home", "source", "source code", "repository", "documentation"):
        if links.get(label, "").startswith("http"):
            return links[label]
    return f"https://pypi.org/project/{found['Name']}/"


def _url(package: str, module: str) -> str:
    if package == "python":
        return f"https://docs.python.org/3/library/{module}.html"
    try:
        return _home(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        return f"https://pypi.org/project/{package}/"


def _repository(place: str) -> str:
    return f"https://github.com/python/cpython/blob/{sys.version_info[0]}.{sys.version_info[1]}/Lib/{place}"


def main() -> None:
    """Collect into the folder named on the command line and print what was found."""
    parser = argparse.ArgumentParser(
        description="Collect a small real corpus from what this Python installation ships."
    )
    parser.add_argument("folder", type=Path, help="where the four files go")
    folder = parser.parse_args().folder
    for name, count in collect(folder).items():
        print(f"{folder / name}: {count} documents, {(folder / name).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
