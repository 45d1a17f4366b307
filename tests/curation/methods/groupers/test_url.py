from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods.groupers import group
from schemas.groupers import Url


def part(url: str | None, which: str) -> str | None:
    params = Url.model_validate({"from": "url", "part": which})
    return group(pa.table({"url": pa.array([url], pa.string())}), params).to_pylist()[0]


# Where MeCo's code lets through what should not stand in training text, or leaves rubbish.
DIFFERENT = {
    "https://user:pw@host.io/x": {"short": "host.io"},
    "ftp://files.org/a": {"short": "files.org"},
    "": {"short": None, "domain": None, "suffix": None},
    "https://": {"short": None, "domain": None, "suffix": None},
    " https://a.b/c": {"short": "a.b", "domain": "a.b", "suffix": None},
    "http://127.0.0.1/x": {"domain": "127.0.0.1", "suffix": None},
}


def test_the_forms_of_meco(vector: Callable[[str], dict[str, Any]]) -> None:
    for row in vector("meco.url_forms")["output"]:
        for which, key in (("short", "short"), ("domain", "domain_from_full"), ("suffix", "suffix_from_full")):
            published = row[key] if which == "short" else row[key].lower()
            assert part(row["url"], which) == DIFFERENT.get(row["url"], {}).get(which, published), (row["url"], which)


@pytest.mark.parametrize(
    ("url", "which", "expected"),
    [
        ("http://WWW.Example.co.uk:8080/a?b=1", "host", "www.example.co.uk"),
        ("http://WWW.Example.co.uk./", "domain", "example.co.uk"),
        ("https://u:p@h.org:81/a@b?c=d@e", "url", "https://h.org:81/a@b?c=d@e"),
        ("//u@h.org/x", "host", "h.org"),
        ("u:p@h.org", "url", "h.org"),
        ("https://h.org\\@evil.com/", "host", "h.org"),
        ("https://a\n.org/\x00x", "url", "https://a.org/x"),
        ("http://[::1]:80/", "host", "[::1]"),
        ("http://localhost:3000", "domain", "localhost"),
        ("http://co.uk/", "domain", "co.uk"),
        (None, "domain", None),
    ],
)
def test_parts(url: str | None, which: str, expected: str | None) -> None:
    assert part(url, which) == expected


@given(st.text(st.characters(blacklist_characters="@/?#\\", blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_no_password_survives(password: str) -> None:
    secret = f"Zq{password}Zq"
    for which in ("url", "short", "host", "domain"):
        assert "Zq" not in (part(f"https://joe:{secret}@h.org/x", which) or "")
