"""What can go wrong, by who has to act.

SyllabusError
├── RecipeError   the recipe is wrong: its author mends the named place       (exit 2)
├── RecipeMistakes   several of them, one message each                      (exit 2)
├── StorageError  a place cannot be read or written: the disk, the store or its credentials (exit 1)
├── ServerError   a Prefect server does not come up, or does not answer          (exit 1)
├── InputError    an input file is unreadable: set aside and named, or fatal with ``clean.on_error: fail``
├── RunError      a stage cannot go on: nothing is published                  (exit 1)
├── UnknownDocument   ``explain`` found no such document                      (exit 3)
└── VerifyError   a release does not hold what its manifest says              (exit 4)

No message ever holds document text.
"""

from __future__ import annotations


class SyllabusError(Exception):
    """Any error with a message meant for a user."""

    exit_code = 1


class RecipeError(SyllabusError):
    """The recipe is wrong at ``place`` (dotted path, e.g. ``dedup.minhash.bands``)."""

    exit_code = 2

    def __init__(self, place: str, message: str):
        self.place, self.message = place, message
        super().__init__(f"{place}: {message}" if place else message)

    def __reduce__(self) -> tuple[type[RecipeError], tuple[str, str]]:
        return type(self), (self.place, self.message)


class RecipeMistakes(SyllabusError):
    """All that is wrong with a recipe, one ``RecipeError`` a mistake."""

    exit_code = 2

    def __init__(self, mistakes: list[RecipeError]):
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))

    def __reduce__(self) -> tuple[type[RecipeMistakes], tuple[list[RecipeError]]]:
        return type(self), (self.mistakes,)


class StorageError(SyllabusError):
    """A place cannot be read or written; the message says what to do."""


class ServerError(SyllabusError):
    """A Prefect server does not come up, or does not answer."""


class InputError(SyllabusError):
    """An input file cannot be read as what it should be."""

    def __init__(self, path: str, message: str):
        self.path, self.message = path, message
        super().__init__(f"{path}: {message}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        return type(self), (self.path, self.message)


class RunError(SyllabusError):
    """A stage cannot go on; ``stage`` is its name in the funnel or in ARCHITECTURE.md."""

    def __init__(self, stage: str, message: str):
        self.stage, self.message = stage, message
        super().__init__(f"{stage}: {message}")

    def __reduce__(self) -> tuple[type[RunError], tuple[str, str]]:
        return type(self), (self.stage, self.message)


class UnknownDocument(SyllabusError):
    """No document of the release has this id, name or URL; or there is no such source, or no release before it."""

    exit_code = 3


class VerifyError(SyllabusError):
    """A release does not hold what its manifest says."""

    exit_code = 4
