"""What is to be true in the end, whoever was killed: rows against the truth, and against each other."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tests.fakes.google.calendar import instant as start_of
from tests.fakes.google.calendar import read_time
from tests.fakes.google.office import Office
from tests.integrations.mail.servers import Postbox
from tracker.events import EventStatus
from tracker.ledger import encode_ledger, judge
from tracker.manners import free_from, next_opening, pace_of
from tracker.models import (
    TO_DO,
    Booking,
    BookingState,
    Calendar,
    Copy,
    LedgerRow,
    Nudge,
    OutboxMail,
    OutboxState,
    Pair,
    Person,
    VerdictChange,
)
from tracker.services.evidence import load_evidence
from tracker.services.nudges.mailing import better_moment
from tracker.services.nudges.noticing import notice
from tracker.settings import Settings
from tracker.store import Store

MANY_KILLS = 25
A_WEEK = Settings().nudges_a_week


def what_is_left(db: OrmSession, since: datetime, now: datetime) -> dict[str, int]:
    """Return how many rows still wait: each of these makes work for the ones after it."""
    unread = or_(Calendar.last_read_at.is_(None), Calendar.last_read_at < since, Calendar.claims > 0)
    waiting = (OutboxState.QUEUED, OutboxState.RETRY, OutboxState.INFLIGHT)
    return {
        "unwritten": _count(db, Booking.state.in_(TO_DO)),
        "unread": _count(db, unread | (Calendar.next_read_at <= now)),
        "unjudged": _count(db, (Pair.review_due_at <= now) | (Pair.claims > 0)),
        "unnoticed": _count(db, Pair.judged_anew.is_(True)),
        "untold": _count(db, Nudge.due_at <= now),
        "unsent": _count(db, OutboxMail.state.in_(waiting)),
    }


def check_calendars(db: OrmSession, office: Office) -> None:
    """No calendar of ours shows anything else than the provider's own."""
    for address, calendar in office.calendars.items():
        truth = sorted(_starts(calendar.alive()))
        copies = db.scalars(select(Copy).join(Calendar).join(Person).where(Person.email == address)).all()
        alive = [c for c in copies if c.gone_at is None and c.status is not EventStatus.CANCELLED]
        held = {c.calendar.id: (c.calendar.problem, c.calendar.removals_held) for c in copies}
        assert sorted(c.starts_at for c in alive) == truth, (address, held)


def check_bookings(db: OrmSession, office: Office) -> None:
    """Each date that was asked for stands at the provider once, and none that was called off."""
    query = select(Booking).join(Pair, Pair.id == Booking.pair_id).join(Person, Person.id == Pair.mentor_id)
    wanted: dict[str, list[datetime]] = defaultdict(list)
    for email, booking in db.execute(query.with_only_columns(Person.email, Booking)):
        assert booking.problem is None, booking.problem
        if booking.state is BookingState.WRITTEN:
            wanted[email].append(booking.starts_at)
    for address, calendar in office.calendars.items():
        if address.startswith("mentor"):
            ours = (entry for entry in calendar.alive() if "extendedProperties" in entry)
            assert sorted(_starts(ours)) == sorted(wanted[address]), address


def check_ledgers(db: OrmSession, now: datetime) -> None:
    """Every ledger is what the evidence says, and no verdict was told twice."""
    rows = {row.agreement_id: row for row in db.scalars(select(LedgerRow))}
    for each in load_evidence(db, db.scalars(select(Pair.id)).all()):
        ledger = encode_ledger(judge(each.evidence, now=now))
        assert _periods(rows[each.agreement_id].document) == _periods(ledger)
    said: dict[tuple[int, object], object] = {}
    for change in db.scalars(select(VerdictChange).order_by(VerdictChange.id)):
        place, content = (change.agreement_id, change.starts_on), (change.verdict, change.reason)
        assert said.get(place) != (content, change.missed_by), "one verdict was told twice"
        said[place] = (content, change.missed_by)


def check_mail(db: OrmSession, box: Postbox, *, asked_for: int, kills: int) -> None:
    """Every mail arrived, and a second time only where somebody was killed while it was on its way."""
    mails = db.scalars(select(OutboxMail)).all()
    assert {m.state for m in mails} <= {OutboxState.SENT}
    assert len([m for m in mails if m.kind == "sign_in"]) == asked_for
    got = Counter(_message_id(envelope.content) for envelope in box.got)
    assert set(got) == {m.message_id for m in mails}
    # The one window of SMTP: killed between the server's 250 and our commit.
    assert sum(got.values()) - len(got) <= kills


def check_letters(db: OrmSession, kills: int) -> None:
    """What somebody was told stands in one letter, each letter tells something, and came at a good moment."""
    told: dict[tuple[int, datetime], list[int]] = defaultdict(list)
    for nudge in db.scalars(select(Nudge).where(Nudge.told_at.is_not(None))):
        assert nudge.told_at
        told[nudge.person_id, nudge.told_at].append(nudge.id)
    letters = db.scalars(select(OutboxMail).where(OutboxMail.kind == "nudge")).all()
    # By chance a short run may give nobody a reason to write; a long one that does shows nothing.
    assert letters or kills < MANY_KILLS, "nobody was told anything, so nothing was shown"
    assert sorted(m.dedupe_key for m in letters) == sorted(
        f"nudge/{who}/{min(n)}" for (who, _), n in told.items()
    )
    assert {(m.person_id, m.created_at) for m in letters} == set(told)
    for who in {who for who, _ in told}:
        person = db.get_one(Person, who)
        _check_manners(person.timezone, sorted(at for whom, at in told if whom == who))


def _check_manners(timezone: str, letters: list[datetime]) -> None:
    for number, at in enumerate(letters):
        assert next_opening(at, timezone) == at, "written to out of hours"
        assert free_from(letters[:number], pace_of(A_WEEK, 0), at) == at, "written to too often"


def check_reminders(store: Store, settled_at: datetime) -> None:
    """Nobody was forgotten: looked at all anew, nothing is to be said that was neither told nor put off."""
    notice(store, settled_at)  # what the last who was killed had before it
    with store.write() as db:
        db.execute(update(Pair).values(judged_anew=True))
    assert notice(store, settled_at).added == 0, "a reminder was lost"
    with store.read() as db:
        people = db.scalars(select(Person).join(Nudge).where(Nudge.due_at <= settled_at).distinct()).all()
        for person in people:
            assert better_moment(db, person, A_WEEK, settled_at) != settled_at, "a reminder was not told"


def _starts(entries: Any) -> Iterator[datetime]:
    return (start_of(read_time(entry["start"])) for entry in entries)


def _count(db: OrmSession, condition: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).where(condition)) or 0


def _periods(document: bytes) -> object:
    return json.loads(document)["periods"]


def _message_id(content: bytes | str | None) -> str:
    assert isinstance(content, bytes)
    return content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
