"""From a calendar's entry to what it says and since when. Never looks at another calendar's copy.

The rules are the table "From calendar to observations" of docs/calendars.md. `now` is the moment of the sync:
no observation is dated later.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from tracker.events import CalendarEvent, CopyRole, EventKind, EventStatus, Moment, Response

# An entry without a length is a moment to be reminded of; evidence ends after it starts.
SHORTEST = timedelta(minutes=1)

Responses = Mapping[str, Response]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one copy says from `at` on; `responses` has a key for each member of a pair who is on the entry.

    All-day entries have midnights in UTC, which stand for dates. Before `sure_from` it is presumed, not
    known, that the entry was already so. `by_organiser`: the copy tells that the organiser cancelled.
    """

    at: datetime
    sure_from: datetime
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    status: EventStatus
    responses: Responses
    by_organiser: bool = False

    @property
    def is_off(self) -> bool:
        """Tell whether the copy shows the meeting as cancelled."""
        return self.status is EventStatus.CANCELLED

    def says_the_same(self, other: "Seen") -> bool:
        """Tell whether the two differ in their dates alone; `tentative` is no different from `confirmed`."""
        return _content(self) == _content(other)


def lineage_of(event: CalendarEvent) -> str:
    """Return a hash that all occurrences, copies and splits of an entry share."""
    return hash_lineage(event.lineage)


def hash_lineage(lineage: str) -> str:
    """Return the hash by which copies know the lineage of their entry."""
    return _digest(lineage.strip().casefold())


def slot_of(event: CalendarEvent) -> str:
    """Return a hash that names the occurrence on every calendar: its lineage and its original start."""
    original = event.original_start
    place = "single" if original is None else _moment_name(original)
    return _digest(f"{event.lineage.strip().casefold()}\0{place}")


def observe_first(event: CalendarEvent, responses: Responses, now: datetime) -> list[Seen]:
    """Return all that an entry tells of its past when it is seen for the first time, oldest first."""
    created, updated = _stamps(event, now)
    present = _present(event, responses, now)
    if event.kind is EventKind.EXCEPTION or (event.kind is EventKind.OCCURRENCE and present.is_off):
        before = _original(event, responses)
    elif present.is_off:
        before = replace(
            present, status=EventStatus.CONFIRMED, by_organiser=False, responses=_unasked(responses)
        )
    else:
        return [replace(present, at=created, sure_from=max(created, updated))]
    before = replace(before, at=created, sure_from=created)
    present = replace(present, at=max(created, updated), sure_from=max(created, updated))
    return [replace(present, at=created)] if present.says_the_same(before) else [before, present]


def observe_later(event: CalendarEvent, responses: Responses, last: Seen, now: datetime) -> Seen | None:
    """Return what changed since `last`, or None.

    A series that was changed after one of its occurrences had ended says nothing of where that one was.
    """
    present = _present(event, responses, now)
    changed = min(event.updated_at or now, now)
    # A stamp that is no newer than what we knew does not tell when this change was made.
    at = changed if changed > last.sure_from else max(now, last.at)
    if present.is_off or (event.kind is EventKind.OCCURRENCE and last.ends_at <= at):
        present = replace(present, starts_at=last.starts_at, ends_at=last.ends_at, all_day=last.all_day)
    if present.says_the_same(last) or (present.is_off and last.is_off):
        return None
    return replace(present, at=at, sure_from=at)


def observe_removal(last: Seen, role: CopyRole, now: datetime) -> Seen:
    """Return what a tombstone says: the status alone, and who cancelled only on the organiser's own copy."""
    at = max(now, last.at)
    return replace(
        last, at=at, sure_from=at, status=EventStatus.CANCELLED, by_organiser=role is CopyRole.ORGANISER
    )


def instant_of(moment: Moment) -> datetime:
    """Return the moment in UTC; a date becomes its midnight in UTC, and stands for the date."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time.min, UTC)


def is_all_day(moment: Moment) -> bool:
    """Tell whether the moment is a date."""
    return not isinstance(moment, datetime)


def _present(event: CalendarEvent, responses: Responses, now: datetime) -> Seen:
    off = event.status is EventStatus.CANCELLED
    return Seen(
        at=now,
        sure_from=now,
        starts_at=instant_of(event.start),
        ends_at=max(instant_of(event.end), instant_of(event.start) + SHORTEST),
        all_day=is_all_day(event.start),
        status=event.status,
        responses=dict(responses),
        by_organiser=off and _organiser_cancelled(event),
    )


def _organiser_cancelled(event: CalendarEvent) -> bool:
    # A slot that an attendee's series leaves out (EXDATE) may be the attendee's own doing; an entry that says
    # of itself that it is cancelled is the organiser's.
    return event.copy_role is CopyRole.ORGANISER or event.kind is not EventKind.OCCURRENCE


def _original(event: CalendarEvent, responses: Responses) -> Seen:
    start, end = event.original_start or event.start, event.original_end
    starts_at = instant_of(start)
    ends_at = instant_of(end) if end else starts_at + (instant_of(event.end) - instant_of(event.start))
    ends_at = max(ends_at, starts_at + SHORTEST)
    return Seen(
        at=starts_at,
        sure_from=starts_at,
        starts_at=starts_at,
        ends_at=ends_at,
        all_day=is_all_day(start),
        status=EventStatus.CONFIRMED,
        responses=_unasked(responses),
    )


def _unasked(responses: Responses) -> Responses:
    return dict.fromkeys(responses, Response.NONE)


def _stamps(event: CalendarEvent, now: datetime) -> tuple[datetime, datetime]:
    # Clocks of calendars run ahead, and stamps may be missing or the wrong way round.
    updated = min(event.updated_at or now, now)
    return min(event.created_at or updated, now), updated


def _content(seen: Seen) -> tuple[object, ...]:
    return (seen.starts_at, seen.ends_at, seen.all_day, seen.is_off, seen.by_organiser, dict(seen.responses))


def _moment_name(moment: date | datetime) -> str:
    return (
        instant_of(moment).strftime("%Y%m%dT%H%M%SZ") if isinstance(moment, datetime) else f"{moment:%Y%m%d}"
    )


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
