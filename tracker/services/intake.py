"""Taking a reading of one calendar into the database: its copies, what they say now, and their sessions.

Never reaches the network, and never commits: the caller's transaction holds rows and cursor together. What no
rule matched is refused at this border, whoever let it through.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import draw_ids, write_rows
from tracker.errors import BadPayload
from tracker.events import CalendarEvent, CopyRole, EventKind, EventStatus, Pull, PullKind, Response
from tracker.models import Calendar, Copy, CopyObservation, Provider
from tracker.observing import (
    Seen,
    instant_of,
    lineage_of,
    observe_first,
    observe_later,
    observe_removal,
    slot_of,
)
from tracker.services.days_away import take_absences
from tracker.services.histories import seen_of
from tracker.services.matching import MOST_REMOVED, Matching, is_suspicious, match_pull
from tracker.services.scope import Scope
from tracker.services.settle import Placed, settle_copies


@dataclass(frozen=True, slots=True)
class Intake:
    """What a reading brought: how many copies are new, changed or gone; `held`: too many were to go.

    `away` counts the stretches of days away that are new, changed or gone.
    """

    added: int = 0
    changed: int = 0
    gone: int = 0
    held: int = 0
    away: int = 0


NOTHING = Intake()
FEW = 50  # entries of which it is cheaper to ask one by one than to load a calendar's whole past
_COPY_COLUMNS = Copy.__table__.columns.keys()


@dataclass(slots=True)
class _Taking:
    """The state of one taking; `is_rescoped`: what is asked of the calendar is not what was asked last.

    `choices` holds, by lineage, of which pair the owner said that a series is. The copies in `new` and the
    observations in `said` are written all at once: a first reading brings hundreds.
    """

    db: OrmSession
    calendar: Calendar
    scope: Scope
    now: datetime
    is_rescoped: bool
    choices: dict[str, int]
    placed: list[Placed] = field(default_factory=list)
    new: list[Copy] = field(default_factory=list)
    said: list[tuple[Copy, Seen]] = field(default_factory=list)


def shows_the_same(db: OrmSession, calendar_id: int, pull: Pull) -> bool:
    """Tell whether a FULL pull lists just what the calendar showed before; then there is nothing to take in.

    Right as long as the scope is what it was: an entry's version tells of all else that is kept of it.
    """
    shown = {tuple(row) for row in db.connection().execute(_SHOWN, {"calendar": calendar_id})}
    return shown == {(event.provider_event_id, event.version) for event in pull.events}


# Written once: to make a statement costs more than to run it.
_SHOWN = select(Copy.provider_event_id, Copy.version).where(
    Copy.calendar_id == bindparam("calendar"), Copy.gone_at.is_(None)
)


def take_pull(db: OrmSession, calendar: Calendar, scope: Scope, pull: Pull, now: datetime) -> Intake:
    """Apply a FULL or DELTA pull, or nothing of it where it would remove too many sessions."""
    if any(event.tag_rule is None for event in pull.events):
        raise BadPayload("The connector handed on an entry that no rule matches; nothing was stored.")
    copies = _load_copies(db, calendar.id, pull)
    matching = match_pull(copies, pull, now)
    if is_suspicious(matching, copies, pull) and matching.removals() > calendar.removals_accepted:
        return Intake(held=matching.removals())
    choices = {row.lineage: row.pair_choice for row in db.execute(_CHOICES, {"calendar": calendar.id})}
    taking = _Taking(db, calendar, scope, now, calendar.scope != scope.digest, choices)
    changed = _change_known(taking, matching)
    added = sum([_add(taking, event) for event in matching.new])
    gone = _take_away(taking, matching.vanished, pull)
    # What changed goes first: a new entry may have the name that another one had.
    db.flush()
    _write(taking)
    settle_copies(db, taking.placed, [pair.id for pair in scope.pairs], now)
    away = take_absences(db, calendar, scope, pull, now)
    return Intake(added, changed, gone, away=away)


def _load_copies(db: OrmSession, calendar_id: int, pull: Pull) -> Sequence[Copy]:
    """Return the copies that the pull can be about: all, unless it tells of a few entries alone."""
    removed = {*pull.removed, *pull.vanished}
    names = removed.union(event.provider_event_id for event in pull.events)
    # What takes away more than this may be too much, and how much there is tells.
    if pull.kind is PullKind.FULL or len(removed) > MOST_REMOVED or len(names) > FEW:
        return db.scalars(_ALL, {"calendar": calendar_id}).all()
    slots = {slot_of(event) for event in pull.events}
    return db.scalars(_NAMED, {"calendar": calendar_id, "names": list(names), "slots": list(slots)}).all()


_ALL = select(Copy).where(Copy.calendar_id == bindparam("calendar"))
_NAMED = _ALL.where(
    or_(
        Copy.provider_event_id.in_(bindparam("names", expanding=True)),
        Copy.slot.in_(bindparam("slots", expanding=True)),
    )
)
_CHOICES = select(Copy.lineage, Copy.pair_choice).where(
    Copy.calendar_id == bindparam("calendar"), Copy.pair_choice.is_not(None)
)


def _change_known(taking: _Taking, matching: Matching) -> int:
    differing = [(c, e) for c, e in matching.known if taking.is_rescoped or _differs(c, e)]
    last = _load_last(taking.db, [copy.id for copy, _ in differing])
    return sum([_change(taking, copy, event, last[copy.id]) for copy, event in differing])


def _differs(copy: Copy, event: CalendarEvent) -> bool:
    return (
        copy.version != event.version
        or copy.gone_at is not None
        or copy.provider_event_id != event.provider_event_id
        or copy.slot != slot_of(event)
    )


def _change(taking: _Taking, copy: Copy, event: CalendarEvent, last: Seen) -> int:
    people = _people_on(taking.scope, copy, event)
    was_gone, old_slot = copy.gone_at is not None, copy.slot
    seen = observe_later(event, _by_name(people), last, taking.now)
    if seen is None and was_gone:
        seen = _again(last, taking.now)
    if seen is not None:
        taking.said.append((copy, _as_told(taking, event, seen)))
        _show(copy, seen)
    _describe(taking, copy, event, people)
    copy.gone_at = None
    is_news = bool(taking.db.is_modified(copy)) or seen is not None
    if is_news or taking.is_rescoped:
        _place(taking, copy, event, old_slot if old_slot != copy.slot else None)
    return int(is_news)


def _add(taking: _Taking, event: CalendarEvent) -> int:
    choice = taking.choices.get(lineage_of(event))
    belonging = taking.scope.belonging(event, choice)
    if not belonging.pairs and not belonging.asks:
        return 0
    people = taking.scope.people_on(event)
    copy = Copy(calendar_id=taking.calendar.id, pair_choice=choice)
    seen = [_as_told(taking, event, each) for each in observe_first(event, _by_name(people), taking.now)]
    _describe(taking, copy, event, people)
    _show(copy, seen[-1])
    taking.new.append(copy)
    taking.said += [(copy, each) for each in seen]
    _place(taking, copy, event, None)
    return 1


def _take_away(taking: _Taking, vanished: Collection[Copy], pull: Pull) -> int:
    # A tombstone tells that the entry was deleted; an entry that is missing from a list tells nothing. And
    # whoever deletes a series deletes its past as well: nobody is accused of a session that had ended.
    deleted = set(pull.removed)
    told = [copy for copy in vanished if copy.provider_event_id in deleted]
    last = _load_last(taking.db, [copy.id for copy in told if not _is_past_of_series(copy, taking.now)])
    for copy in vanished:
        copy.gone_at = taking.now
        if copy.id in last and copy.status is not EventStatus.CANCELLED:
            seen = observe_removal(last[copy.id], copy.role, taking.now)
            taking.said.append((copy, seen))
            _show(copy, seen)
        taking.placed.append(Placed(copy, None, ()))
    return len(vanished)


def _is_past_of_series(copy: Copy, now: datetime) -> bool:
    return copy.kind is not EventKind.SINGLE and copy.ends_at <= now


def _place(taking: _Taking, copy: Copy, event: CalendarEvent, old_slot: str | None) -> None:
    belonging = taking.scope.belonging(event, copy.pair_choice)
    copy.asks_pair = belonging.asks
    taking.placed.append(Placed(copy, old_slot, tuple(pair.id for pair in belonging.pairs)))


def _people_on(scope: Scope, copy: Copy, event: CalendarEvent) -> dict[int, Response]:
    people = scope.people_on(event)
    if not event.attendees_complete:
        # The calendar did not name everybody this time: whoever was on the entry still is.
        return {**dict.fromkeys(copy.people, Response.NONE), **people}
    return people


def _describe(taking: _Taking, copy: Copy, event: CalendarEvent, people: Iterable[int]) -> None:
    assert event.tag_rule is not None  # noqa: S101 - refused before
    copy.provider_event_id = event.provider_event_id
    copy.slot = slot_of(event)
    copy.lineage = lineage_of(event)
    copy.slot_at = instant_of(event.original_start or event.start)
    copy.kind = event.kind
    copy.role = event.copy_role
    copy.tag_rule = event.tag_rule
    copy.organiser_id = taking.scope.organiser_of(event)
    copy.people = sorted(people)
    copy.sequence = event.sequence
    copy.updated_at = event.updated_at
    copy.version = event.version
    copy.reference = event.session_ref
    copy.conference = f"{event.conference.kind}:{event.conference.key}"[:255] if event.conference else None
    copy.issues = list(event.issues)


def _show(copy: Copy, seen: Seen) -> None:
    copy.status, copy.all_day = seen.status, seen.all_day
    copy.starts_at, copy.ends_at = seen.starts_at, seen.ends_at


def _as_told(taking: _Taking, event: CalendarEvent, seen: Seen) -> Seen:
    # Google shows a guest who deleted the own copy just what it shows when the organiser cancelled: nobody is
    # blamed by that. The organiser's own calendar tells, where it is connected.
    is_unclear = taking.calendar.provider is Provider.GOOGLE and event.copy_role is CopyRole.ATTENDEE
    return replace(seen, by_organiser=False) if is_unclear else seen


def _write(taking: _Taking) -> None:
    for copy, copy_id in zip(taking.new, draw_ids(taking.db, Copy, len(taking.new)), strict=True):
        copy.id = copy_id
    write_rows(taking.db, Copy, [_columns_of(copy) for copy in taking.new])
    write_rows(taking.db, CopyObservation, [_row(copy.id, seen, taking.now) for copy, seen in taking.said])


def _columns_of(copy: Copy) -> dict[str, Any]:
    return {name: getattr(copy, name) for name in _COPY_COLUMNS}


def _row(copy_id: int, seen: Seen, now: datetime) -> dict[str, Any]:
    return {
        "copy_id": copy_id,
        "at": seen.at,
        "sure_from": seen.sure_from,
        "seen_at": now,
        "starts_at": seen.starts_at,
        "ends_at": seen.ends_at,
        "all_day": seen.all_day,
        "status": seen.status,
        "responses": dict(sorted(seen.responses.items())),
        "by_organiser": seen.by_organiser,
    }


def _again(last: Seen, now: datetime) -> Seen:
    at = max(now, last.at)
    return Seen(
        at, at, last.starts_at, last.ends_at, last.all_day, last.status, last.responses, last.by_organiser
    )


def _by_name(people: dict[int, Response]) -> dict[str, Response]:
    return {str(person): response for person, response in people.items()}


def _load_last(db: OrmSession, copy_ids: list[int]) -> dict[int, Seen]:
    if not copy_ids:
        return {}
    rows = db.connection().execute(_OBSERVED, {"copies": copy_ids})
    return {row.copy_id: seen_of(row) for row in rows}


_OBSERVED = (
    select(CopyObservation.__table__)
    .where(CopyObservation.copy_id.in_(bindparam("copies", expanding=True)))
    .order_by(CopyObservation.at, CopyObservation.id)
)
