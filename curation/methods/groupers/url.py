"""Labels from the document's URL: registered domain, host, public suffix, MeCo's short form, or all of it.

Source: MeCo (Gao et al. 2025), ``datatools/mds_pack_data.py``. Where we differ: credentials never survive, any scheme
is cut and not only http, host names are in lower case so that one site is one group, the registered domain of an IP
address or of a bare name is the host itself, and what is empty is no label.
"""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import tldextract

from schemas.groupers import Url

_SCHEME = r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//"
_CONTROLS = r"[\x00-\x20\x7f\x{2028}\x{2029}]+"


def url(documents: pa.Table, params: Url) -> pa.Array:
    """The asked part of ``url``: string[n], null without a URL. One look-up a distinct host, not a document."""
    cleaned = without_credentials(documents["url"])
    if params.part == "url":
        return cleaned
    bare = pc.replace_substring_regex(cleaned, _SCHEME, "")
    if params.part == "short":
        return _filled(pc.replace_substring_regex(bare, r"(?s)/.*", ""))
    hosts = hosts_of(bare)
    if params.part == "host":
        return hosts
    coded = hosts.dictionary_encode()
    parts = [_parts(host)[params.part == "suffix"] for host in coded.dictionary.to_pylist()]
    return pa.array(parts, pa.string()).take(coded.indices)


def without_credentials(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """URLs on one line, without ``user:password@``: string[n], null where nothing is left.

    An ``@`` counts as the end of credentials only before the first slash, question mark or hash of the host part.
    """
    if isinstance(urls, pa.ChunkedArray):
        urls = urls.combine_chunks()
    cleaned = pc.replace_substring_regex(urls.cast(pa.string()), _CONTROLS, "")
    return _filled(pc.replace_substring_regex(cleaned, r"^((?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)?[^/?#\\]*@", r"\1"))


def hosts_of(bare: pa.Array) -> pa.Array:
    """Host names, in lower case, of URLs without scheme and credentials: string[n]. Ports and closing dots are cut."""
    hosts = pc.replace_substring_regex(bare, r"(?s)[/?#\\].*", "")
    hosts = pc.replace_substring_regex(hosts, r":[0-9]*$", "")
    return _filled(pc.utf8_lower(pc.utf8_rtrim(hosts, ".")))


@lru_cache(maxsize=1)
def _extractor() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@lru_cache(maxsize=100_000)
def _parts(host: str) -> tuple[str, str | None]:
    """(registered domain, public suffix) by the public suffix list that tldextract bundles; nothing is fetched."""
    found = _extractor().extract_str(host)
    if not found.domain or not found.suffix:
        return host, found.suffix or None
    return f"{found.domain}.{found.suffix}", found.suffix


def registered_domain(host: str) -> str:
    """The registered domain of a host name in lower case; of an address or a bare name, itself."""
    return _parts(host)[0]


def _filled(labels: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(labels, ""), None, labels)
