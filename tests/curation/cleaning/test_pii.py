"""Personal data: what is hit, what is not, and that hostile text costs no more than its length."""

from __future__ import annotations

import pyarrow as pa
import pytest

from curation.cleaning.pii import mask, shown
from schemas.cleaning import PersonalData

ALL = PersonalData(**dict.fromkeys(PersonalData.model_fields, "mask"))
KEY = "AKIA" + "ABCDEFGH23456789"
TOKEN = "gh" + "p_" + "a1" * 18
BLOCK = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow+/=\nProc-Type: x\n-----END RSA " + "PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to a.b+c@mail.example.co.uk now", "write to email@example.com now"),
        ("a@b stays", "a@b stays"),
        ("root@[10.0.0.1]", "email@example.com"),
        ("at 8.8.8.8, or 10.0.0.1", "at 22.214.171.124, or 10.0.0.1"),
        ("version 1.2.3.4.5 and 999.1.1.1 and 08.8.8.8", "version 1.2.3.4.5 and 999.1.1.1 and 08.8.8.8"),
        ("call (555) 123-4567 or 555-123-4567.", "call |||PHONE_NUMBER||| or |||PHONE_NUMBER|||."),
        ("the number 12345678901234", "the number 12345678901234"),
        ("dns 2606:4700:4700::1111, local fe80::1, at 12:30:45.", "dns 2001:db8::1, local fe80::1, at 12:30:45."),
        ("pay GB82 WEST 1234 5698 7654 32 NOW", "pay |||IBAN||| NOW"),
        ("DE89370400440532013000, DE89370400440532013001", "|||IBAN|||, DE89370400440532013001"),
        ("card 4111 1111 1111 1111, not 4111 1111 1111 1112", "card |||CARD_NUMBER|||, not 4111 1111 1111 1112"),
        ("5500-0000-0000-0004 and 0000000000000000", "|||CARD_NUMBER||| and 0000000000000000"),
        (f"key={KEY}; {TOKEN}", "key=|||SECRET|||; |||SECRET|||"),
        (f"a\n{BLOCK}\nb", "a\n|||SECRET|||\nb"),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    assert mask(pa.array([text], pa.large_string()), ALL).texts.to_pylist() == [masked]


@pytest.mark.parametrize(
    "text",
    [
        "logo@2x.png icon-60@3x~ipad.png banner@1.5x.webp",
        "lodash@4.17.21 react@18.2.0-beta.1 app@latest.min.js",
        '@media (min-width: 1px) {} @import \'x.css\'; {"@type": "Thing"}',
        "user@host root@localhost:~$ getty@tty1.service",
        "https://medium.com/@jo.smith/a-story",
        "W @ x.T, (a)@b.T, a @ b.com, @jo.com",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert mask(pa.array([text], pa.large_string()), ALL).texts.to_pylist() == [text]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("пиши на пример@почта.рф.", "пиши на email@example.com."),
        ("用户@例子.公司", "email@example.com"),
        ("邮箱：用户@例子。公司，谢谢", "邮箱：email@example.com，谢谢"),
        ("请发邮件至zhang@example.com谢谢", "请发邮件至email@example.com谢谢"),
        ("jo＠example.com, ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email@example.com, email@example.com"),
        ("उदाहरण@उदाहरण.भारत", "email@example.com"),
        ("مثال@مثال.السعودية", "email@example.com"),
        ("jürgen@müller.de, x@xn--e1afmkfd.xn--p1ai", "email@example.com, email@example.com"),
        ("https://x.com/p?q=1&mail=jo%40y.org&b=2", "https://x.com/p?q=1&mail=email@example.com&b=2"),
        ("https://x.com/thread/a.b@y.org/", "https://x.com/thread/email@example.com/"),
        ("'a@b.com' <c@d.org>,e@f.net.Then", "'email@example.com' <email@example.com>,email@example.com.Then"),
        ("jane@corp.example, a@mail.local", "email@example.com, email@example.com"),
    ],
)
def test_addresses_of_any_script(text: str, masked: str) -> None:
    assert mask(pa.array([text], pa.large_string()), ALL).texts.to_pylist() == [masked]


def test_what_people_are_shown() -> None:
    texts = pa.array(["x" * 190 + " jo@site.org", "a\n" + BLOCK[:50], None, "8.8.8.8"], pa.large_string())
    made = shown(texts, PersonalData(emails="drop", secrets="mask")).to_pylist()
    assert made == ["x" * 190 + " email@exa", "a\n|||SECRET|||", None, "8.8.8.8"]
    assert shown(texts, PersonalData()).to_pylist()[0] == "x" * 190 + " jo@site.o"


def test_counts_and_drops() -> None:
    texts = pa.array(["a@b.org c@d.org", "none", "8.8.8.8"], pa.large_string())
    assert mask(texts, ALL).edits == {"emails": (1, 2), "ips": (1, 1)}
    dropped = mask(texts, PersonalData(emails="drop", ips="mask"))
    assert [None if c < 0 else dropped.reasons[c] for c in dropped.rule] == ["emails", None, None]
    assert dropped.value[0] == 2


def test_long_runs_are_linear() -> None:
    hostile = [
        "a-" * 100_000 + "@",
        "1." * 100_000,
        "a." * 100_000 + "@" + "a." * 100_000,
        "a:" * 100_000,
        "::" * 100_000,
        "GB82 " * 40_000,
        "4111 " * 40_000,
        "4" * 200_000,
        ("-----BEGIN " + "PRIVATE KEY-----") * 8_000,
        "eyJ" * 60_000,
        "sk-" * 60_000,
        "a@" * 100_000,
        "用" * 100_000 + "@" + "例." * 100_000,
        "@a.例" * 50_000,
    ]
    assert len(mask(pa.array(hostile, pa.large_string()), ALL).texts) == len(hostile)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see logo@2x.png and icon@3x.webp", "see logo@2x.png and icon@3x.webp"),
        ("npm install lodash@4.17.21", "npm install lodash@4.17.21"),
        ("@media screen, @decorator.name, user@host", "@media screen, @decorator.name, user@host"),
        ("https://x.org/a?mail=jane@doe.org&b=1", "https://x.org/a?mail=email@example.com&b=1"),
        ("jane@2x.com", "email@example.com"),
        ("пишите: пример@почта.рф!", "пишите: email@example.com!"),
        ("用户@例子.公司", "email@example.com"),
        ("jane＠example.org", "email@example.com"),
        ("jörg@müller.de, jane@doe.org", "email@example.com, email@example.com"),
    ],
)
def test_addresses_of_any_script_and_no_file_names(text: str, masked: str) -> None:
    assert mask(pa.array([text], pa.large_string()), PersonalData(emails="mask")).texts.to_pylist() == [masked]


def test_an_address_right_behind_other_letters_is_masked() -> None:
    (text,) = mask(
        pa.array(["请发邮件到foo@bar.com谢谢"], pa.large_string()), PersonalData(emails="mask")
    ).texts.to_pylist()
    assert "foo" not in text
    assert "bar" not in text
