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
# One answer for all that can not be reached: nobody learns from it what is at an address inside.
_NOT_READ = ("unreachable", "untrusted", "not_found", "refused")
_NO_CALENDAR = ("not_a_calendar", "bad_address", "too_large")
_UNREAD = N_(
    "This address could not be read, so nothing was connected. Check that it opens in a private browser "
    "window without signing in."
)
_NOT_NOW = N_("It could not be read just now, so nothing was connected. Please try again in a while.")
_OTHER = N_("they are not written as calendar entries are")


def problem_for_owner(reader: Reader, code: str) -> str:
    """Return what is wrong and what to do, for the calendar's owner."""
    return reader.say(problem_of(code).owner)


def problem_of_trial(reader: Reader, code: str) -> str:
    """Return why an address that was typed just now is not connected."""
    if code in _NOT_READ:
        return reader.say(_UNREAD)
    return problem_for_owner(reader, code) if code in _NO_CALENDAR else reader.say(_NOT_NOW)


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
