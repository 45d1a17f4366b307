"""URLs on lists: domains, hosts, whole URLs, banned words; in the order of datatrove 0.10.1's URLFilter (FineWeb).

The value is how many entries were met, the threshold the most that may be. Differs from datatrove where it has bugs:
everything is compared in lower case, not only the last step; a listed word with a hyphen is met by its parts in a row;
a document without a URL is kept.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import pyarrow.compute as pc

from curation.methods.groupers.url import hosts_of, registered_domain, without_credentials
from curation.rules.measured import Block, Measured, Rule
from curation.rules.word_list import read_lists
from schemas.rules import UrlFilter

SEPARATORS = re.compile(r"[^a-z0-9]+")
SCHEME = r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//"


class Lists(NamedTuple):
    """What is looked for, in lower case; words as ``-`` and their parts joined by ``-`` and ``-``."""

    domains: frozenset[str]
    urls: frozenset[str]
    hard: frozenset[str]
    soft: frozenset[str]
    compound_hard: tuple[str, ...]
    compound_soft: tuple[str, ...]
    subwords: re.Pattern[str] | None


def rules(params: UrlFilter) -> list[Rule]:
    """The rules in the order in which they decide."""
    return [
        Rule("domain", ">", 0.0),
        Rule("subdomain", ">", 0.0),
        Rule("url", ">", 0.0),
        Rule("hard_blacklisted", ">", 0.0),
        Rule("soft_blacklisted", ">=", params.soft_threshold),
        Rule("blacklisted_subword", ">", 0.0),
    ]


def url_filter(block: Block, params: UrlFilter) -> Measured:
    """How many entries of each list a document's URL meets; NaN without a URL."""
    asked = rules(params)
    values = block.nothing(asked)
    lists = _lists(params)
    urls = without_credentials(block.documents["url"])
    hosts = hosts_of(pc.replace_substring_regex(urls, SCHEME, ""))
    # A loop over URLs: as many as documents, each short.
    for row, (url, host) in enumerate(zip(urls.to_pylist(), hosts.to_pylist(), strict=True)):
        if url is None or not block.alive[row]:
            continue
        values[row] = _met(url.lower(), host or "", lists)
    return Measured(asked, values)


def _met(url: str, host: str, lists: Lists) -> list[int]:
    parts = [part for part in SEPARATORS.split(url) if part]
    joined = f"-{'-'.join(parts)}-"
    words = set(parts)
    return [
        int(registered_domain(host) in lists.domains),
        int(host in lists.domains),
        int(url in lists.urls),
        len(words & lists.hard) + sum(word in joined for word in lists.compound_hard),
        len(words & lists.soft) + sum(word in joined for word in lists.compound_soft),
        0 if lists.subwords is None else int(lists.subwords.search("".join(parts)) is not None),
    ]


def _lists(params: UrlFilter) -> Lists:
    place = "clean.rules.url_filter"
    read = {
        field: read_lists(getattr(params, field), f"{place}.{field}")
        for field in ("domains", "urls", "hard_words", "soft_words", "subwords")
    }
    return _prepared(*read.values())


@lru_cache(maxsize=8)
def _prepared(
    domains: tuple[str, ...],
    urls: tuple[str, ...],
    hard: tuple[str, ...],
    soft: tuple[str, ...],
    subwords: tuple[str, ...],
) -> Lists:
    split = {
        name: [SEPARATORS.split(word.lower().strip()) for word in words] for name, words in (("h", hard), ("s", soft))
    }
    single = {k: frozenset(parts[0] for parts in v if len(parts) == 1) for k, v in split.items()}
    compound = {k: tuple(f"-{'-'.join(parts)}-" for parts in v if len(parts) > 1) for k, v in split.items()}
    plain = sorted({"".join(SEPARATORS.split(word.lower())) for word in subwords} - {""})
    return Lists(
        frozenset(domain.lower() for domain in domains),
        frozenset(url.lower() for url in urls),
        single["h"],
        single["s"],
        compound["h"],
        compound["s"],
        re.compile("|".join(plain)) if plain else None,
    )
