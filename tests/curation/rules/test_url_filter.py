"""The URL filter: each list, in datatrove's order, and what we do otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.rules.apply import apply
from schemas.errors import RecipeError
from schemas.rules import UrlFilter
from tests.curation.rules.texts import table


@pytest.fixture
def rule(tmp_path: Path) -> UrlFilter:
    lists = {
        "domains": "# ours\nbad.co.uk\nads.example.org\n",
        "urls": "https://fine.com/page\n",
        "hard_words": "casino\nslot-machine\n",
        "soft_words": "free\nwin\nprize\n",
        "subwords": "xxxporn\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    return UrlFilter.model_validate({name: [str(tmp_path / name)] for name in lists})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://www.bad.co.uk/x", "domain"),
        ("http://WWW.Bad.co.uk", "domain"),
        ("http://ads.example.org/x", "subdomain"),
        ("http://example.org/x", None),
        ("https://fine.com/page", "url"),
        ("https://fine.com/page2", None),
        ("https://fine.com/Casino/", "hard_blacklisted"),
        ("https://fine.com/casinos", None),
        ("https://fine.com/slot-machine", "hard_blacklisted"),
        ("https://fine.com/machine-slot", None),
        ("https://fine.com/free/win", "soft_blacklisted"),
        ("https://fine.com/free/free", None),
        ("https://fine.com/xxx-PORN-y", "blacklisted_subword"),
        (None, None),
    ],
)
def test_urls(rule: UrlFilter, url: str | None, reason: str | None) -> None:
    verdicts = apply(table("some text", url=[url]), [rule])
    assert (None if verdicts.rule[0] < 0 else verdicts.reasons[verdicts.rule[0]]) == reason


def test_a_list_that_is_no_file_is_named() -> None:
    with pytest.raises(RecipeError, match=r"clean\.rules\.url_filter\.domains.*'none\.txt' is no file"):
        apply(table("x", url=["http://a.b"]), [UrlFilter(domains=["none.txt"])])
