"""Reading evidence from JSON, strictly: whatever is wrong is named by its field and in words.

Checks what the types cannot say as well: unknown zones, ends before starts, things named twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from tracker.errors import TrackerError
from tracker.ledger.evidence import Evidence, Session
from tracker.ledger.zones import find_zone

_decoder = msgspec.json.Decoder(Evidence)
_LAST_YEAR = 9900  # leaves room for a period, its grace and its windows before dates run out in 9999


class EvidenceError(TrackerError):
    """Evidence that cannot be judged: the field (`sessions[0].id`, empty for all of it) and what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}" if field else problem)


def decode_evidence(line: bytes | str) -> Evidence:
    """Read one pair's evidence from JSON; raises `EvidenceError` for the first thing that is wrong."""
    try:
        evidence = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise explain_mismatch(str(error)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise EvidenceError("", explain_syntax(str(error))) from None
    for fault in find_faults(evidence):
        raise fault
    return evidence


def explain_mismatch(message: str) -> EvidenceError:
    """Turn msgspec's "... - at `$.sessions[0].id`" into a field and a sentence."""
    problem, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    key = _KEY.fullmatch(problem)
    if key is not None:
        missing, name = key["missing"], f"{field}.{key['name']}" if field else key["name"]
        return EvidenceError(
            name, "is missing; add it" if missing else "is no known field; mend it or take it out"
        )
    advice = next((advice for pattern, advice in _ADVICE if pattern in problem), "")
    words = _WORDS.get(field.rpartition(".")[2].partition("[")[0]) if "enum" in problem else None
    return EvidenceError(field, "; ".join(filter(None, (problem, advice, words and f"write {words}"))))


_KEY = re.compile("Object (contains unknown|(?P<missing>missing required)) field `(?P<name>.*)`", re.DOTALL)
_ADVICE = (
    ("Expected `datetime` with a timezone", "write its offset, as in 2026-03-05T10:00:00Z or ...+01:00"),
    ("datetime", "write an instant as 2026-03-05T10:00:00Z"),
    ("date", "write a date as 2026-03-05"),
    ("got `array`", "write one object a line (`jq -c '.[]'` turns an array into lines)"),
)
_WORDS = {
    "who": "mentor or mentee (or, of an absence, both)",
    "by": "mentor or mentee",
    "cancelled_by": "mentor, mentee or null",
    "declined_by": "mentor or mentee",
    "absent": "mentor or mentee",
    "status": "confirmed or cancelled",
    "unit": "day, week or month",
    "kind": "holiday, leave or pause",
    "unconfirmed_counts_as": "unconfirmed or held",
}


def explain_syntax(message: str) -> str:
    """Say in words why a line is not JSON."""
    if "truncated" in message:
        return "the JSON ends too early; write each object whole on one line (`jq -c .` does)"
    if "trailing characters" in message:
        return f"{message}; write one object a line (`jq -c .` does)"
    if "utf-8" in message.lower():
        return "not UTF-8; save the file as UTF-8"
    return f"{message}; mend the line or take it out"


def find_faults(evidence: Evidence) -> Iterator[EvidenceError]:
    """Give what is wrong with evidence of the right shape, in the order of its fields."""
    if not is_zone(evidence.timezone):
        name = evidence.timezone[:60]
        yield EvidenceError("timezone", f"{name!r} is no IANA time zone; write one such as Europe/Madrid")
    if evidence.ends_on < evidence.starts_on:
        yield EvidenceError("ends_on", "is before starts_on; put the agreement's last day here")
    if evidence.ends_on.year > _LAST_YEAR:
        yield EvidenceError("ends_on", f"is after the year {_LAST_YEAR}; give the agreement a real last day")
    if evidence.starts_on.year <= 1:
        yield EvidenceError("starts_on", "is in the year 1; give the agreement a real first day")
    yield from find_repeated_ids(evidence.sessions)
    if not look_sound(evidence.sessions):
        for index, session in enumerate(evidence.sessions):
            yield from find_session_faults(f"sessions[{index}]", session)


def look_sound(sessions: Sequence[Session]) -> bool:
    """Pass nearly all sound sessions quickly; where one does not pass, all are looked at closely."""
    for session in sessions:
        for seen in session.observations:
            if seen.ends_at <= seen.starts_at or (seen.declined_by and len(seen.declined_by) > 1):
                return False
        for said in session.statements:
            if said.absent and len(said.absent) > 1:
                return False
    return True


def is_zone(name: str) -> bool:
    """Tell whether the time zone database knows a name."""
    try:
        find_zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def find_repeated_ids(sessions: Sequence[Session]) -> Iterator[EvidenceError]:
    """Give each session whose id an earlier one has: `replaces` and `sessions` would name two."""
    if len({session.id for session in sessions}) == len(sessions):
        return
    seen: set[str] = set()
    for index, session in enumerate(sessions):
        if session.id in seen:
            yield EvidenceError(f"sessions[{index}].id", f"{session.id!r} is used twice; ids must differ")
        seen.add(session.id)


def find_session_faults(field: str, session: Session) -> Iterator[EvidenceError]:
    """Give what is wrong with one session."""
    for index, seen in enumerate(session.observations):
        if seen.ends_at <= seen.starts_at:
            yield EvidenceError(f"{field}.observations[{index}].ends_at", "is not after starts_at")
        if len(seen.declined_by) > 1 and has_repeats(seen.declined_by):
            yield EvidenceError(f"{field}.observations[{index}].declined_by", "names somebody twice")
    for index, said in enumerate(session.statements):
        if len(said.absent) > 1 and has_repeats(said.absent):
            yield EvidenceError(f"{field}.statements[{index}].absent", "names somebody twice")


def has_repeats(names: Sequence[str]) -> bool:
    """Tell whether a list holds something twice."""
    return len(set(names)) < len(names)
