"""Formatters: how a document is written as text and segments. Recipe section `conditioning`, told apart by `method`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, field_validator

from schemas.section import Section

_TEMPLATE_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|([{}])")


def template_parts(template: str) -> list[tuple[str, bool]]:
    """A template as (text, is a name) in order. Raises ValueError for a brace that is neither a name nor doubled.

    >>> template_parts("URL: {domain} {{x}}")
    [('URL: ', False), ('domain', True), (' {x}', False)]
    """
    parts: list[tuple[str, bool]] = []
    literal, last = "", 0
    for match in _TEMPLATE_PART.finditer(template):
        literal += template[last : match.start()]
        last = match.end()
        if match[2]:
            raise ValueError(f"a template holds names like {{domain}}; write {match[2] * 2} for a plain {match[2]}")
        if match[1]:
            if literal:
                parts.append((literal, False))
            parts.append((match[1], True))
            literal = ""
        else:
            literal += match[0][0]
    literal += template[last:]
    if literal:
        parts.append((literal, False))
    return parts


def template_names(template: str) -> list[str]:
    """The names that a template substitutes, in order, each once."""
    return list(dict.fromkeys(text for text, is_name in template_parts(template) if is_name))


def _checked(template: str) -> str:
    template_parts(template)
    return template


class Template(Section):
    """A metadata prefix made from a template, without loss (MeCo's `URL: …`, registered domain, suffix or hash)."""

    method: Literal["template"] = "template"
    """A prefix with the document's metadata."""
    template: str
    """The prefix. `{name}` is a declared tag or source, url, language, quality, date, tokens, id; `{{` is a brace. A
    document that lacks a name gets no prefix."""
    hash: bool = False
    """Write a hash of each value in place of the value, so that only equality survives."""

    _template = field_validator("template")(_checked)

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return template_names(self.template)


class Plain(Section):
    """The text alone, after its prompt where it has one (prompt without loss)."""

    method: Literal["plain"]
    """No conditioning."""

    def names(self) -> list[str]:
        """Tags and built-in names that it reads."""
        return []


def _method(value: Any) -> Any:
    """`method`, which only the default member may leave out."""
    return value.get("method", "template") if isinstance(value, dict) else getattr(value, "method", None)


Conditioning = Annotated[
    Annotated[Template, Tag("template")] | Annotated[Plain, Tag("plain")],
    Discriminator(_method),
]
