"""Named normalisers of a text, each on or off: entities, controls, zero-width and bidirectional marks, blank lines.

They run in this order, before the Unicode form is made: what an entity stands for is normalised like any other text.
"""

from __future__ import annotations

import html

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets, as_text, buffers
from schemas.cleaning import Normalisers

PATTERNS = {
    "control_characters": ("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\x{80}-\\x{84}\\x{86}-\\x{9f}]", ""),
    "zero_width": ("[\\x{200b}\\x{2060}-\\x{2064}\\x{feff}]", ""),
    "bidirectional": ("[\\x{61c}\\x{200e}\\x{200f}\\x{202a}-\\x{202e}\\x{2066}-\\x{2069}]", ""),
    "blank_lines": ("\\n(?:[ \\t\\r]*\\n){2,}", "\n\n"),
}
"""RE2 pattern and what takes its place, by the field's name. Zero-width joiners stay: scripts and emoji need them."""
ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"


def apply(
    texts: pa.LargeStringArray, params: Normalisers
) -> tuple[pa.LargeStringArray, dict[str, npt.NDArray[np.int64]]]:
    """The normalised texts, and of each normaliser that changed any how many places in each text: int64[n]."""
    places: dict[str, npt.NDArray[np.int64]] = {}
    if params.html_entities:
        counts = _places(texts, ENTITY)
        if counts.any():
            hit = pa.array(counts > 0)
            # A Python loop over the documents with an entity: the table of names is the library's.
            decoded = [html.unescape(text) for text in texts.filter(hit).to_pylist()]
            texts = as_text(pc.replace_with_mask(texts, hit, pa.array(decoded, pa.large_string())))
            places["html_entities"] = counts
    for name, (pattern, instead) in PATTERNS.items():
        if getattr(params, name):
            suspect = np.ones(len(texts), dtype=bool)
            if name == "control_characters":
                suspect = _may_hold_controls(*buffers(texts))
            counts = np.zeros(len(texts), dtype=np.int64)
            counts[suspect] = _places(as_text(texts.filter(pa.array(suspect))), pattern)
            if counts.any():
                hit = pa.array(counts > 0)
                mended = pc.replace_substring_regex(texts.filter(hit), pattern, instead)
                texts = as_text(pc.replace_with_mask(texts, hit, mended))
                places[name] = counts
    return texts, places


def _places(texts: pa.LargeStringArray, pattern: str) -> npt.NDArray[np.int64]:
    """How often a pattern is found in each text: int64[n]."""
    return np.asarray(pc.fill_null(pc.count_substring_regex(texts, pattern), 0), dtype=np.int64)


@njit(nogil=True, cache=True)
def _may_hold_controls(data: Bytes, offsets: Offsets) -> npt.NDArray[np.bool_]:
    """bool[n]: texts with a byte that a control character may have: RE2 takes long over what most texts have none of."""
    found = np.zeros(len(offsets) - 1, dtype=np.bool_)
    for row in range(len(found)):
        text = data[offsets[row] : offsets[row + 1]]
        any_low = False
        for i in range(len(text)):
            byte = text[i]
            any_low |= (
                (byte < 0x20) & (byte != 0x0A) & (byte != 0x09) & (byte != 0x0D) | (byte == 0x7F) | (byte == 0xC2)
            )
        found[row] = any_low
    return found
