"""What is wrong with a calendar, in the reader's words. Never shows an address or what a provider said."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tracker.problems import problem_of
from tracker.wording import N_, Reader

# Connectors describe what they set aside in English, for the command line. Its owner is told the kind.
_KINDS = (
    (("zone",), N_("their time zone is not known, so the hour can not be told")),
    (
        ("repeat", "rule", "recurrence", "occurrences", "often", "series"),
        N_("they repeat in a way that can not be counted out"),
    ),
    (
        ("start", "time", "date", "end", "slot", "day", "long"),
        N_("their date or hour makes no sense"),
    ),
)
_OTHER = N_("they are not written as calendar entries are")


def problem_for_owner(reader: Reader, code: str) -> str:
    """Return what is wrong and what to do, for the calendar's owner."""
    return reader.say(problem_of(code).owner)


def problem_for_admin(reader: Reader, code: str, person: str) -> str:
    """Return what is wrong and where it is mended, for whoever runs the installation."""
    text = reader.say(problem_of(code).admin, person=person, code=code)
    return text[:1].upper() + text[1:] + "."


def reasons_set_aside(reader: Reader, set_aside: Iterable[Mapping[str, str]]) -> list[tuple[int, str]]:
    """Return how many entries were set aside for which reason, the most frequent first."""
    counts = Counter(_kind(entry.get("issue", "")) for entry in set_aside)
    return [(count, reader.say(kind)) for kind, count in counts.most_common()]


def _kind(issue: str) -> str:
    found = (kind for words, kind in _KINDS if any(word in issue.lower() for word in words))
    return next(found, _OTHER)
