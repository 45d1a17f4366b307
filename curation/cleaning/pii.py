"""Personal data: e-mail and public IP addresses, secrets, bank and card numbers, phone numbers; masked, or dropped.

Patterns as in datatrove 0.10.1 (IPv4) and Dolma (phone), with two differences: an address is hit only where it stands by
itself (``1.2.3.4.5`` is none), and what takes its place is constant, so that the output does not depend on the order of
documents. E-mail addresses: ``emails``.
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

from curation.arrays.arrow_text import as_text
from curation.cleaning import emails
from schemas.cleaning import PersonalData
from schemas.tables import EXCERPT_CHARS

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

_CREDENTIALS = r"^((?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)?[^/?#\\]*@"

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
LOOKED_AT = 4000
"""Characters that are searched for an excerpt."""


@dataclass(frozen=True)
class Masked:
    """texts: large_string[n]; rule: int16[n], -1 keeps, else an index into reasons; value: places found; places: of each
    kind that was masked, int64[n]."""

    texts: pa.LargeStringArray
    rule: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    places: dict[str, npt.NDArray[np.int64]]

    @property
    def edits(self) -> dict[str, tuple[int, int]]:
        """(texts, places) masked, by kind."""
        return {kind: (int((found > 0).sum()), int(found.sum())) for kind, found in self.places.items()}


def mask(texts: pa.LargeStringArray, params: PersonalData) -> Masked:
    """Treat each kind of personal data as the recipe says."""
    n = len(texts)
    rule, value = np.full(n, -1, dtype=np.int16), np.full(n, np.nan)
    places: dict[str, npt.NDArray[np.int64]] = {}
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
            places[kind] = counts
    return Masked(texts, rule, tuple(kinds), value, np.where(rule >= 0, 0.0, np.nan), places)


def shown(texts: pa.Array | pa.ChunkedArray, params: PersonalData) -> pa.Array:
    """The first 200 characters of each text, for people to judge a verdict by: string[n], null where it is null.

    Masks what the recipe masks or drops, whether or not the text came as far as that stage. What is looked at is longer
    than what is shown, so that no border cuts a thing in half and hides it; a private key that has no end in it is masked
    to the end.
    """
    if not params.active:
        return pc.utf8_slice_codeunits(texts, 0, EXCERPT_CHARS).cast(pa.string())
    there = pc.is_valid(texts)
    found = as_text(pc.utf8_slice_codeunits(texts, 0, LOOKED_AT))
    found = mask(found, all_masked(params)).texts
    if params.secrets != "keep":
        found = pc.replace_substring_regex(found, r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY.*", MASKS["secrets"])
    return pc.if_else(there, pc.utf8_slice_codeunits(found, 0, EXCERPT_CHARS).cast(pa.string()), None)


def without_credentials(
    urls: pa.LargeStringArray, params: PersonalData
) -> tuple[pa.LargeStringArray, dict[str, tuple[int, int]]]:
    """URLs without ``user:password@``, where e-mail addresses or secrets are looked for, and the edit ``credentials``.

    Before masks, so that no address is seen in a host behind a user: hosts stay what they are.
    """
    if params.emails == "keep" and params.secrets == "keep":
        return urls, {}
    hit = np.asarray(pc.match_substring_regex(urls, _CREDENTIALS))
    if not hit.any():
        return urls, {}
    cut = as_text(pc.replace_substring_regex(urls, _CREDENTIALS, r"\1"))
    return cut, {"credentials": (int(hit.sum()), int(hit.sum()))}


def url_shown(urls: pa.Array | pa.ChunkedArray, params: PersonalData) -> pa.Array | pa.ChunkedArray:
    """URLs as a release may show them: string[n], null where it is null. Masks what the recipe masks or drops."""
    if not params.active or urls.null_count == len(urls):
        return urls
    cut, _ = without_credentials(as_text(urls), params)
    return pc.if_else(pc.is_valid(urls), mask(cut, all_masked(params)).texts.cast(pa.string()), None)


def all_masked(params: PersonalData) -> PersonalData:
    """What is masked or dropped, masked."""
    looked_for = {kind: "keep" if getattr(params, kind) == "keep" else "mask" for kind in KINDS}
    return PersonalData.model_validate(looked_for)


def _emails(text: str) -> tuple[str, int]:
    return emails.masked(text, MASKS["emails"])


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
    "emails": emails.HINT,
    "ips": r"\d\.\d{1,3}\.\d{1,3}\.\d|(?:^|[^0-9A-Za-z_:.])(?:"
    rf"[0-9A-Fa-f]{{1,4}}:(?:{HEXTET}:){{1,6}}{HEXTET}|:(?:{HEXTET}:){{1,6}}[0-9A-Fa-f]{{1,4}})(?:$|[^0-9A-Za-z_:])",
    "secrets": "PRIVATE KEY|A[KS]IA|gh[pousr]_|github_pat_|glpat-|xox|AIza|[sr]k_live_|sk-|npm_|hf_|eyJ",
    "ibans": r"[A-Z]{2}\d{2} ?[A-Z0-9]",
    "cards": r"[2-6]\d{3}(?:[ -]?\d){9}",
    "phones": r"\s\(?\d{3}\)?[-. ]{0,3}\d{3}[-. ]?\d{4}",
}
"""What a text must have to be looked at: as RE2, and met by whatever the pattern meets and treats."""
