"""Personal data: e-mail addresses, public IPv4 addresses, phone numbers; masked, or the document dropped.

Patterns as in datatrove 0.10.1 (e-mail, IPv4) and Dolma (phone), with two differences: an address is hit only where it
stands by itself (``1.2.3.4.5`` is none), and what takes its place is constant, so that the output does not depend on
the order of documents.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cleaning import PersonalData

# Bounded runs: a page of nothing but local-part characters must not cost the square of its length.
EMAIL = re.compile(
    r"\b[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@"
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"|\[(?:\d{1,3}\.){3}\d{1,3}\])"
)
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)", re.ASCII)
PHONE = re.compile(r"(?<=\s)\(?\d{3}\)?[-. ]{0,3}\d{3}[-. ]?\d{4}(?!\d)", re.ASCII)

MASKS = {"emails": "email@example.com", "ips": "22.214.171.124", "phones": "|||PHONE_NUMBER|||"}


@dataclass(frozen=True)
class Masked:
    """texts: large_string[n]; rule: int16[n], -1 keeps, else an index into reasons; value: places found; edits by kind."""

    texts: pa.LargeStringArray
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    edits: dict[str, tuple[int, int]]


def mask(texts: pa.LargeStringArray, params: PersonalData) -> Masked:
    """Treat each kind of personal data as the recipe says."""
    n = len(texts)
    rule, value = np.full(n, -1, dtype=np.int16), np.full(n, np.nan)
    edits: dict[str, tuple[int, int]] = {}
    kinds = [kind for kind in KINDS if getattr(params, kind) != "keep"]
    for code, kind in enumerate(kinds):
        rows = np.flatnonzero(np.asarray(pc.match_substring_regex(texts, HINTS[kind])))
        counts = np.zeros(n, dtype=np.int64)
        changed: dict[int, str] = {}
        for row in rows.tolist():
            text, count = KINDS[kind](texts[row].as_py())
            counts[row] = count
            if count:
                changed[row] = text
        if getattr(params, kind) == "drop":
            out = (counts > 0) & (rule < 0)
            rule[out], value[out] = code, counts[out]
        elif changed:
            plain = texts.to_pylist()
            for place, text in changed.items():
                plain[place] = text
            texts = pa.array(plain, pa.large_string())
            edits[kind] = (len(changed), int(counts.sum()))
    return Masked(texts, rule, tuple(kinds), value, np.where(rule >= 0, 0.0, np.nan), edits)


def _emails(text: str) -> tuple[str, int]:
    return EMAIL.subn(MASKS["emails"], text)


def _ips(text: str) -> tuple[str, int]:
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        try:
            public = ipaddress.IPv4Address(match[0]).is_global
        except ValueError:  # an octet over 255, or with leading zeros
            public = False
        count += public
        return MASKS["ips"] if public else match[0]

    return IPV4.sub(replaced, text), count


def _phones(text: str) -> tuple[str, int]:
    return PHONE.subn(MASKS["phones"], text)


KINDS: dict[str, Callable[[str], tuple[str, int]]] = {"emails": _emails, "ips": _ips, "phones": _phones}
"""(text) to the masked text and the number of places, by the field's name; in this order."""
HINTS = {"emails": "@", "ips": r"\d\.\d{1,3}\.\d{1,3}\.\d", "phones": r"\d{3}[-. ]?\d{4}"}
"""What a text must have to be looked at."""
