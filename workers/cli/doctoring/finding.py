"""What the doctor says: a line, and whether all is well. Never holds a secret."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `is_fine` False makes the command end with 1, `is_wrong_setting` with 2."""

    is_fine: bool
    text: str
    is_wrong_setting: bool = False


Findings = Iterator[Finding]


def fine(text: str) -> Finding:
    """Return a line that says that all is well."""
    return Finding(True, text)


def problem(text: str) -> Finding:
    """Return a line that says what is wrong and what to do."""
    return Finding(False, text)


def wrong(text: str) -> Finding:
    """Return a line that says which setting makes no sense, so that nothing else could be looked at."""
    return Finding(False, text, is_wrong_setting=True)
