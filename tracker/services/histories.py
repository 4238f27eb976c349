"""The histories of sessions, merged from the copies that calendars show. Reads in bulk and stores nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session as OrmSession

from tracker.events import CopyRole, EventKind, EventStatus, Response
from tracker.ledger import Observation, Side, Status
from tracker.merging import CalledOff, CopyHistory, Members, merge_copies
from tracker.models import Agreement, Calendar, Copy, CopyObservation, Pair, Provider, Session, SessionKey
from tracker.observing import Seen

_RESPONSES = {response.value: response for response in Response}


@dataclass(frozen=True, slots=True)
class Meeting:
    """What of a session's row its history needs."""

    id: int
    pair_id: int
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    called_off: CalledOff | None


def meeting_of(row: Any) -> Meeting:
    """Return the meeting of a `sessions` row, or of any row that has its columns."""
    by = Side(row.called_off_by) if row.called_off_by else None
    called_off = CalledOff(row.called_off_at, by) if row.called_off_at else None
    return Meeting(row.id, row.pair_id, row.starts_at, row.ends_at, row.created_at, called_off)


def load_copies(db: OrmSession, which: ColumnElement[bool]) -> dict[int, list[CopyHistory]]:
    """Return the copies of sessions, by session id; `which` is a condition on SessionKey.

    A copy belongs to every session that one of its slots stands for, if the calendar is one of the two's.
    """
    return _grouped(db.execute(_COPIES.where(which)))


_COPIES = (
    select(
        SessionKey.session_id,
        Copy.id.label("copy_id"),
        Copy.organiser_id,
        Copy.role,
        Copy.kind,
        Copy.sequence,
        Copy.updated_at,
        Copy.gone_at,
        Copy.provider_event_id,
        Calendar.id.label("calendar_id"),
        Calendar.person_id,
        Calendar.provider,
        Calendar.disconnected_at,
        CopyObservation.id,
        CopyObservation.at,
        CopyObservation.sure_from,
        CopyObservation.starts_at,
        CopyObservation.ends_at,
        CopyObservation.all_day,
        CopyObservation.status,
        CopyObservation.responses,
        CopyObservation.by_organiser,
    )
    .join(Pair, Pair.id == SessionKey.pair_id)
    .join(Copy, Copy.slot == SessionKey.slot)
    .join(Calendar, Calendar.id == Copy.calendar_id)
    .join(CopyObservation, CopyObservation.copy_id == Copy.id)
    .where(or_(Calendar.person_id == Pair.mentor_id, Calendar.person_id == Pair.mentee_id))
)


# One row of `_COPIES`, in the order of its columns: far cheaper to ask than SQLAlchemy's own rows.
class _Observed(NamedTuple):
    session_id: int
    copy_id: int
    organiser_id: int | None
    role: CopyRole
    kind: EventKind
    sequence: int | None
    updated_at: datetime | None
    gone_at: datetime | None
    provider_event_id: str
    calendar_id: int
    person_id: int
    provider: Provider
    disconnected_at: datetime | None
    id: int
    at: datetime
    sure_from: datetime
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    status: EventStatus
    responses: dict[str, str]
    by_organiser: bool


def merge_meeting(
    meeting: Meeting, copies: Sequence[CopyHistory], members: Members
) -> tuple[Observation, ...]:
    """Return the session's observations: its copies', or, of a session that people told of, that they did."""
    if copies:
        return merge_copies(copies, members, meeting.called_off)
    return (
        Observation(
            at=meeting.created_at,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            status=Status.CONFIRMED,
        ),
    )


def refresh_times(db: OrmSession, sessions: Collection[Session]) -> None:
    """Bring the sessions' own `starts_at` and `ends_at`, which lists use, to what the calendars say now."""
    db.flush()
    rows = db.connection().execute(_COPIES_OF_SESSIONS, {"sessions": [session.id for session in sessions]})
    copies, members = _grouped(rows), load_members(db, {session.pair_id for session in sessions})
    for session in sessions:
        last = merge_meeting(meeting_of(session), copies.get(session.id, []), members[session.pair_id])[-1]
        session.starts_at, session.ends_at = last.starts_at, last.ends_at


def load_members(db: OrmSession, pair_ids: Collection[int]) -> dict[int, Members]:
    """Return the two of each pair as copies name them; the zone is that of the latest agreement."""
    rows = db.connection().execute(_MEMBERS, {"pairs": list(pair_ids)})
    return {row.id: members_of(row.mentor_id, row.mentee_id, row.timezone) for row in rows}


# Written once: every reading with news asks these, and to make a statement costs more than to run it.
_COPIES_OF_SESSIONS = _COPIES.where(SessionKey.session_id.in_(bindparam("sessions", expanding=True)))
_MEMBERS = (
    select(Pair.id, Pair.mentor_id, Pair.mentee_id, Agreement.timezone)
    .join(Agreement)
    .where(Pair.id.in_(bindparam("pairs", expanding=True)))
    .order_by(Pair.id, Agreement.starts_on)
)


def members_of(mentor_id: int, mentee_id: int, timezone: str) -> Members:
    """Return the two as copies name them: by their ids, as text."""
    return Members({str(mentor_id): Side.MENTOR, str(mentee_id): Side.MENTEE}, timezone)


def seen_of(row: Any) -> Seen:
    """Return the observation that a row of `observations` holds."""
    return Seen(
        at=row.at,
        sure_from=row.sure_from,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        all_day=row.all_day,
        status=row.status,
        responses=_responses(row.responses),
        by_organiser=row.by_organiser,
    )


def _responses(stored: Mapping[str, str]) -> dict[str, Response]:
    return {person: _RESPONSES[response] for person, response in stored.items()}


def _grouped(rows: Iterable[Any]) -> dict[int, list[CopyHistory]]:
    by_copy: dict[tuple[int, int], list[_Observed]] = defaultdict(list)
    for row in map(_Observed._make, rows):
        by_copy[row.session_id, row.copy_id].append(row)
    grouped: dict[int, list[CopyHistory]] = defaultdict(list)
    for (session_id, _), observations in by_copy.items():
        grouped[session_id].append(_copy_history(observations))
    return grouped


def _copy_history(rows: list[_Observed]) -> CopyHistory:
    row = rows[0]
    if len(rows) > 1:
        rows.sort(key=lambda each: (each.at, each.id))
    return CopyHistory(
        owner=str(row.person_id),
        organiser=None if row.organiser_id is None else str(row.organiser_id),
        is_organisers=row.role is CopyRole.ORGANISER,
        is_service=row.provider not in (Provider.ICAL, Provider.MAILBOX),
        is_of_series=row.kind is EventKind.OCCURRENCE,
        label=f"{row.calendar_id:09}:{row.provider_event_id}",
        seen=tuple(map(seen_of, rows)),
        sequence=row.sequence,
        updated_at=row.updated_at,
        gone_at=row.gone_at,
        unread_from=row.disconnected_at,
    )
