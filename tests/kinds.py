"""Eight kinds of made documents that a text pipeline meets, no two of a kind saying the same."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.conftest import WORDS

LICENCE = "\n".join(
    f"# {line}"
    for line in (
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated",
        "documentation files, to deal in the Software without restriction, including without limitation the rights to use,",
        "copy, modify, merge, publish, distribute, sublicense, and sell copies of the Software, and to permit persons to whom",
        "the Software is furnished to do so, subject to the conditions that the above copyright notice is included.",
    )
)
PLACES = ["Lyon", "Oslo", "Cádiz", "Łódź", "Graz", "Turku", "Porto", "Bergen", "Ghent", "Plzeň", "Kraków", "Århus"]


def prose(draw: random.Random) -> str:
    return ". ".join(" ".join(draw.choices(WORDS, k=14)).capitalize() for _ in range(8)) + "."


def dialogue(draw: random.Random) -> str:
    day, month = draw.randint(1, 28), draw.randint(1, 12)
    return (
        f"User: I would like to book a table for {draw.randint(2, 900)} people, please.\n"
        f"Assistant: Of course. For which day, and in the name of whom?\n"
        f"User: On the {day}.{month}., for {draw.choice(WORDS).capitalize()} {draw.choice(WORDS)}, at {draw.randint(1, 11)} o'clock.\n"
        f"Assistant: The table in {draw.choice(PLACES)} is booked, your number is {draw.randrange(10**6):06d}."
    )


def function_call(draw: random.Random) -> str:
    return (
        f'{{"name": "get_weather", "arguments": {{"city": "{draw.choice(PLACES)}", "lat": {draw.uniform(-90, 90):.4f}, '
        f'"lon": {draw.uniform(-180, 180):.4f}, "days": {draw.randint(1, 99)}, "units": "metric", "hourly": false}}}}'
    )


def arithmetic(draw: random.Random) -> str:
    a, b, c = draw.randint(-999, 999), draw.randint(-999, 999), draw.randint(2, 99)
    sign = draw.choice("+-*")
    return f"Q: What is ({a} {sign} {b}) * {c}? A: Work it out step by step, then write the result: {a * c} {sign} {b * c}."


def numeric_table(draw: random.Random) -> str:
    rows = ["time,temperature,pressure,humidity"]
    rows += [f"{i},{draw.uniform(-30, 40):.2f},{draw.uniform(900, 1100):.1f},{draw.random():.3f}" for i in range(12)]
    return "\n".join(rows)


def log(draw: random.Random) -> str:
    return "\n".join(
        f"2026-03-{draw.randint(1, 28):02d} {draw.randrange(24):02d}:{draw.randrange(60):02d}:{draw.randrange(60):02d} INFO "
        f"worker[{draw.randrange(9999)}]: request {draw.randrange(16**8):08x} done in {draw.randrange(9999)} ms, status {draw.choice([200, 304, 404, 500])}"
        for _ in range(6)
    )


def code(draw: random.Random) -> str:
    one, other, third = draw.sample(WORDS, 3)
    left, right = draw.choice(["<", ">", "<=", ">=", "==", "!="]), draw.choice("+-*/%")
    body = "\n".join(
        f"    {draw.choice(WORDS)}_{i} = {one} {draw.choice('+-*/%')} {draw.choice(WORDS)}[{draw.randrange(99)}]"
        for i in range(16)
    )
    return f"{LICENCE}\n\ndef {one}_{other}({one}, {third}):\n{body}\n    if {one} {left} {third}:\n        return {one} {right} {draw.randrange(999)}\n    return -{third}\n"


def form(draw: random.Random) -> str:
    return (
        f"APPLICATION FORM\nSurname: {draw.choice(WORDS).capitalize()}\nFirst name: {draw.choice(WORDS).capitalize()}\n"
        f"Date of birth: {draw.randint(1, 28)}/{draw.randint(1, 12)}/{draw.randint(1930, 2005)}\nPlace: {draw.choice(PLACES)}\n"
        f"Telephone: {draw.randrange(10**9)}\nMember since: {draw.randint(1990, 2025)}\n[ ] yes [x] no\nSignature of the applicant: ______"
    )


KINDS: dict[str, Callable[[random.Random], str]] = {
    "prose": prose,
    "dialogue": dialogue,
    "function_call": function_call,
    "arithmetic": arithmetic,
    "numeric_table": numeric_table,
    "log": log,
    "code": code,
    "form": form,
}


def documents(kind: str, n: int) -> list[str]:
    """``n`` different documents of a kind, always the same ones."""
    draw = random.Random(kind)
    made = dict.fromkeys(KINDS[kind](draw) for _ in range(2 * n))
    return list(made)[:n]
