"""Personal data: e-mail and public IP addresses, secrets, bank and card numbers, phone numbers; masked, or dropped.

Patterns as in datatrove 0.10.1 (e-mail, IPv4) and Dolma (phone), with these differences: an address is hit only where it
stands by itself (``1.2.3.4.5`` is none); file names and versions are no addresses (``logo@2x.png``, ``lodash@4.17.21``);
addresses in other scripts are; what stands before an address in a URL is not eaten; and what takes their place is constant, so that the output does not depend on the order of
documents.
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

from curation.arrow_text import as_text
from schemas.cleaning import PersonalData

# Bounded runs: a page of nothing but local-part characters must not cost the square of its length.
EMAIL = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z0-9_][A-Za-z0-9!#$%'*+^_`{|}~.-]{0,63}@"
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"|\[(?:\d{1,3}\.){3}\d{1,3}\])"
)
# Scripts without spaces give no beginning: what stands before the sign, as much of it as an address may have, is masked too.
EMAIL_OF_ANY_SCRIPT = re.compile(
    r"\w[\w.!#$%'*+^`{|}~-]{0,63}[@\uff20](?:\w(?:[\w-]{0,61}\w)?[.\uff0e\u3002\uff61]){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})"
)
SIGN = re.compile("[@\uff20]")
MAX_LOCAL, MAX_LABEL = 64, 64
NO_TLD = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "svg",
        "ico",
        "bmp",
        "avif",
        "heic",
        "tif",
        "tiff",
        "psd",
        "ai",
        "eps",
        "ttf",
        "woff",
        "woff2",
        "css",
        "js",
    ]
)
"""Endings of files that no top-level domain has: what an address cannot end in."""
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)", re.ASCII)
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])", re.ASCII)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,28}", re.ASCII)
CARD = re.compile(r"(?<![\d.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])", re.ASCII)
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){1,20000}-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
)
API_KEY = re.compile(
    r"\b(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82}|glpat-[A-Za-z0-9_-]{20}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,72}|AIza[0-9A-Za-z_-]{35}|[sr]k_live_[0-9A-Za-z]{24,99}|sk-[A-Za-z0-9_-]{32,200}"
    r"|npm_[A-Za-z0-9]{36}|hf_[A-Za-z]{34}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000})(?![A-Za-z0-9_-])",
    re.ASCII,
)
PHONE = re.compile(r"(?<=\s)\(?\d{3}\)?[-. ]{0,3}\d{3}[-. ]?\d{4}(?!\d)", re.ASCII)

MASKS = {
    "emails": "email@example.com",
    "ips": "22.214.171.124",
    "ipv6": "2001:db8::1",
    "secrets": "|||SECRET|||",
    "ibans": "|||IBAN|||",
    "cards": "|||CARD_NUMBER|||",
    "phones": "|||PHONE_NUMBER|||",
}
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "PT ST", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL", 29: "BR PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""Characters of an IBAN by country (ISO 13616)."""


@dataclass(frozen=True)
class Masked:
    """texts: large_string[n]; rule: int16[n], -1 keeps, else an index into reasons; value: places found; edits by kind."""

    texts: pa.LargeStringArray
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    edits: dict[str, tuple[int, int]]


def excerpts(texts: pa.LargeStringArray, params: PersonalData) -> pa.LargeStringArray:
    """Beginnings of documents as they may be shown: what the recipe masks, or drops a document for, is masked."""
    treated = {kind: "mask" for kind in KINDS if getattr(params, kind) != "keep"}
    return mask(texts, params.model_copy(update=treated)).texts if treated else texts


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
            hit = np.zeros(n, dtype=bool)
            hit[list(changed)] = True
            masked = pa.array(changed.values(), pa.large_string())
            texts = as_text(pc.replace_with_mask(texts, pa.array(hit), masked))
            edits[kind] = (len(changed), int(counts.sum()))
    return Masked(texts, rule, tuple(kinds), value, np.where(rule >= 0, 0.0, np.nan), edits)


def _emails(text: str) -> tuple[str, int]:
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        last = match[0].rpartition(".")[2].lower()
        if not match[0].endswith("]") and (last in NO_TLD or last.isdigit()):
            return match[0]
        count += 1
        return MASKS["emails"]

    if not text.isascii():
        text, count = _emails_of_any_script(text)
    return EMAIL.sub(replaced, text), count


def _emails_of_any_script(text: str) -> tuple[str, int]:
    """Addresses with letters beyond ASCII: looked for around each sign alone, which few texts have."""
    parts, at, count = [], 0, 0
    for sign in SIGN.finditer(text):
        here = sign.start()
        if here < at or text[max(here - MAX_LOCAL, at) : here + MAX_LABEL].isascii():
            continue
        match = EMAIL_OF_ANY_SCRIPT.search(text, max(here - MAX_LOCAL, at), here + 9 * MAX_LABEL)
        if match is not None and match.start() <= here < match.end() and not match[0].isascii():
            parts += [text[at : match.start()], MASKS["emails"]]
            at, count = match.end(), count + 1
    return "".join([*parts, text[at:]]), count


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

    def replaced_v6(match: re.Match[str]) -> str:
        nonlocal count
        try:
            public = ipaddress.IPv6Address(match[0]).is_global
        except ValueError:  # a time of day, a ratio …
            public = False
        count += public
        return MASKS["ipv6"] if public else match[0]

    return IPV6.sub(replaced_v6, IPV4.sub(replaced, text)), count


def _secrets(text: str) -> tuple[str, int]:
    text, blocks = PRIVATE_KEY.subn(MASKS["secrets"], text)
    text, keys = API_KEY.subn(MASKS["secrets"], text)
    return text, blocks + keys


def _ibans(text: str) -> tuple[str, int]:
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        length, seen = IBAN_LENGTHS.get(match[0][:2], 0), 0
        for end, character in enumerate(match[0], start=1):
            seen += character != " "
            if seen == length:
                glued = match.string[match.start() + end : match.start() + end + 1].isalnum()
                if not glued and iban_holds(match[0][:end].replace(" ", "")):
                    count += 1
                    return MASKS["ibans"] + match[0][end:]
                break
        return match[0]

    return IBAN.sub(replaced, text), count


def iban_holds(iban: str) -> bool:
    """Whether the check digits are right (ISO 7064, mod 97-10).

    >>> iban_holds("GB82WEST12345698765432"), iban_holds("GB82WEST12345698765433")
    (True, False)
    """
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def _cards(text: str) -> tuple[str, int]:
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        digits = [int(character) for character in match[0] if character.isdigit()]
        if not luhn_holds(digits) or len(set(digits)) < 2:
            return match[0]
        count += 1
        return MASKS["cards"]

    return CARD.sub(replaced, text), count


def luhn_holds(digits: list[int]) -> bool:
    """Whether the last digit is the right check digit (ISO 7812, Luhn).

    >>> luhn_holds([4] + [1] * 15), luhn_holds([4] + [1] * 14 + [2])
    (True, False)
    """
    doubled = [d if place % 2 == 0 else sum(divmod(2 * d, 10)) for place, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _phones(text: str) -> tuple[str, int]:
    return PHONE.subn(MASKS["phones"], text)


KINDS: dict[str, Callable[[str], tuple[str, int]]] = {
    "emails": _emails,
    "ips": _ips,
    "secrets": _secrets,
    "ibans": _ibans,
    "cards": _cards,
    "phones": _phones,
}
"""(text) to the masked text and the number of places, by the field's name; in this order."""
HEXTET = "[0-9A-Fa-f]{0,4}"
HINTS = {
    "emails": r"[A-Za-z0-9!#$%'*+^_`{|}~.-]@(?:[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]|\[\d)"
    r"|[^\x00-\x7F]@|@[A-Za-z0-9-]{0,62}[^\x00-\x7F]|\x{FF20}",
    "ips": r"\d\.\d{1,3}\.\d{1,3}\.\d|(?:^|[^0-9A-Za-z_:.])(?:"
    rf"[0-9A-Fa-f]{{1,4}}:(?:{HEXTET}:){{1,6}}{HEXTET}|:(?:{HEXTET}:){{1,6}}[0-9A-Fa-f]{{1,4}})(?:$|[^0-9A-Za-z_:])",
    "secrets": "PRIVATE KEY|A[KS]IA|gh[pousr]_|github_pat_|glpat-|xox|AIza|[sr]k_live_|sk-|npm_|hf_|eyJ",
    "ibans": r"[A-Z]{2}\d{2} ?[A-Z0-9]",
    "cards": r"[2-6]\d{3}(?:[ -]?\d){9}",
    "phones": r"\s\(?\d{3}\)?[-. ]{0,3}\d{3}[-. ]?\d{4}",
}
"""What a text must have to be looked at: as RE2, and met by whatever the pattern meets and treats."""
