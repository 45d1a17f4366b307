"""E-mail addresses in a text, of any script: a local part, an at sign, a domain that ends in a top-level domain there is.

The at sign may be full-width, or ``%40`` as in URLs; dots of the domain may be ideographic (RFC 3490, 3.1). That the
domain must end in a top-level domain (the suffix list that tldextract bundles, and the names of RFC 2606 and of private
networks) is what tells ``jo@site.co`` from ``logo@2x.png``, ``lodash@4.17.21`` and ``getty@tty1.service``. Where we differ
from datatrove 0.10.1 besides: what parts a URL (``/ ? # & =``) ends a local part, so that no host or key goes with an
address behind it, and what stands before a local part in a script that needs no spaces does not hide it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import tldextract

DOTS = ".\u3002\uff0e\uff61"
ATS = "@\ufe6b\uff20"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_PUNCTUATION = "!$%'*+^`{|}~."
_MARKS = "\u0300-\u036f\u0900-\u0dff"
_SPACED = rf"(?:[^\W{_UNSPACED}]|[{_PUNCTUATION}{_MARKS}-])"

AT = re.compile(f"[{ATS}]|%40")
# Read backwards from the at sign; bounded: a page of nothing but such characters must not cost the square of its length.
LOCAL = re.compile(rf"{_SPACED}{{1,64}}|(?:\w|[{_PUNCTUATION}-]){{1,16}}")
_EDGE = "A-Za-z0-9"
_LABEL = (
    rf"(?:[{_EDGE}](?:[{_EDGE}-]{{0,61}}[{_EDGE}])?|[^\W_](?:(?:[^\W_]|[{_MARKS}-]){{0,61}}(?:[^\W_]|[{_MARKS}]))?)"
)
DOMAIN = re.compile(rf"{_LABEL}(?:[{DOTS}]{_LABEL}){{1,8}}|\[(?:\d{{1,3}}\.){{3}}\d{{1,3}}\]")
HINT = rf"(?:[{ATS}]|%40)(?:[^\s{DOTS}@]{{1,63}}[{DOTS}][^\s{DOTS}]|\[\d)"
"""What every text with an address meets; RE2."""

PRIVATE = frozenset(
    {"arpa", "corp", "example", "home", "internal", "intranet", "invalid"}
    | {"lan", "local", "localdomain", "localhost", "onion", "private", "test"}
)


def addresses(text: str) -> list[tuple[int, int]]:
    """Where addresses stand, half-open spans of characters in order, none over another."""
    found: list[tuple[int, int]] = []
    last = 0
    for at in AT.finditer(text):
        if at.start() < last:
            continue
        before = text[max(at.start() - 64, last) : at.start()]
        local = LOCAL.match(before[::-1])
        if local is None:
            continue
        start = at.start() - local.end()
        while start < at.start() and not text[start].isalnum() and text[start] != "_":
            start += 1
        domain = DOMAIN.match(text, at.end()) if start < at.start() else None
        length = 0 if domain is None else domain_length(domain[0])
        if length:
            last = at.end() + length
            found.append((start, last))
    return found


def masked(text: str, instead: str) -> tuple[str, int]:
    """The text with something else in place of each address, and how many there were."""
    found = addresses(text)
    if not found:
        return text, 0
    parts, at = [], 0
    for start, end in found:
        parts += [text[at:start], instead]
        at = end
    return "".join([*parts, text[at:]]), len(found)


def domain_length(domain: str) -> int:
    """How much of what looks like a domain is one, in characters: up to the last top-level domain; 0 for none.

    >>> [domain_length(d) for d in ("site.co", "site.co.Then", "2x.png", "[10.0.0.1]", "4.17.21")]
    [7, 7, 0, 10, 0]
    """
    if domain.startswith("["):
        return len(domain)
    dots = [i for i, character in enumerate(domain) if character in DOTS]
    for first, end in reversed(list(zip(dots, [*dots[1:], len(domain)], strict=True))):
        label = domain[first + 1 : end]
        if top_level(label):
            return end
        # A label of a script without spaces may run on into the sentence.
        for short in range(len(label) - 1, 1, -1) if not label.isascii() else ():
            if ord(label[short]) >= 0x0E00 and top_level(label[:short]):
                return first + 1 + short
    return 0


def top_level(label: str) -> bool:
    """Whether there is such a top-level domain, whatever its case and width, as it is written or in Punycode."""
    if label.isascii():
        return label.lower() in _top_level_domains()
    return unicodedata.normalize("NFKC", label).lower() in _top_level_domains()


@lru_cache(maxsize=1)
def _top_level_domains() -> frozenset[str]:
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    labels = {suffix.rpartition(".")[2] for suffix in suffixes} | PRIVATE
    return frozenset(labels | {f"xn--{x.encode('punycode').decode()}" for x in labels if not x.isascii()})
