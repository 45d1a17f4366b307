"""A metadata prefix made from a template: the source's URL, domain, date or any tag, before the text, without loss.

Source: MeCo (Gao et al. 2025). Where we differ: credentials in URLs never survive, values are one line, a document
that lacks a value gets no prefix at all (MeCo writes ``URL: `` with nothing behind it).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Column, Formatted, side_by_side
from curation.methods.formatters.values import value_of
from schemas.formatters import Template, template_parts


def template(documents: pa.Table, params: Template, *, seed: int, phase: str) -> Formatted:
    """The prefix (``metadata``, no loss), then the document as ``plain`` writes it."""
    return side_by_side([Column(prefixes(documents, params, seed=seed), "metadata", False), *body(documents)])


def prefixes(documents: pa.Table, params: Template, *, seed: int) -> pa.LargeStringArray:
    """The prefix of each document, empty where a name of the template has no value: LargeString[n].

    Raises RecipeError for a name that is no column of the documents.
    """
    n = len(documents)
    pieces: list[pa.Array] = []
    for part, is_name in template_parts(params.template):
        if is_name:
            pieces.append(value_of(documents, part, hashed=params.hash, seed=seed))
        else:
            pieces.append(pa.repeat(pa.scalar(part, pa.large_string()), n))
    if not pieces:
        return as_text(pa.repeat(pa.scalar("", pa.large_string()), n))
    return as_text(pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string())))
