"""Erasing a person: who it was goes, what the pair's verdicts rest on stays (tracker.services.inventory).

Never lets a verdict become a worse one: the pair's agreements end, its calendars keep what they said, and
nothing is judged on what is missing then. Reaches no provider and no backup; both are told to whoever asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.models import (
    Absence,
    Agreement,
    AuditEntry,
    Booking,
    Calendar,
    CalendarStatus,
    ConsentFlow,
    Copy,
    Credential,
    Goal,
    Invitation,
    InvitationPerson,
    Nudge,
    OutboxMail,
    OutboxState,
    Pair,
    Person,
    PushChannel,
    Remark,
)
from tracker.models.people import ERASED_DOMAIN
from tracker.ports import Vault
from tracker.services.audit import Act, record
from tracker.services.outbox import IS_EVENT, IS_MAIL, UNSENT
from tracker.services.review import touch_pairs

NAME = "(erased)"


@dataclass(frozen=True, slots=True)
class Erased:
    """What there was: `consents` are still to be taken back at the providers."""

    pairs: int
    calendars: int
    consents: int


def erase_person(db: OrmSession, vault: Vault, person: Person, act: Act) -> Erased:
    """Erase the person, in the caller's transaction. A second time changes nothing that matters."""
    is_in = or_(Pair.mentor_id == person.id, Pair.mentee_id == person.id)
    pairs = db.scalars(select(Pair).where(is_in)).all()
    ids = [pair.id for pair in pairs]
    consents = _forget_consents(db, person)
    calendars = _close_calendars(db, vault, person, act)
    _end_agreements(db, ids, act.at.date())
    _forget_waiting(db, pairs, act.at)
    _forget_words(db, person, pairs)
    _forget_mail(db, person)
    _forget_name(db, person, act)
    touch_pairs(db, ids, act.at)
    record(db, act, "person.erased", f"person:{person.id}")
    return Erased(len(ids), calendars, consents)


def _forget_consents(db: OrmSession, person: Person) -> int:
    consents = db.scalars(select(Credential.id).where(Credential.person_id == person.id)).all()
    db.execute(update(Calendar).where(Calendar.person_id == person.id).values(credential_id=None))
    db.execute(delete(Credential).where(Credential.person_id == person.id))
    db.execute(delete(ConsentFlow).where(ConsentFlow.person_id == person.id))
    return len(consents)


def _close_calendars(db: OrmSession, vault: Vault, person: Person, act: Act) -> int:
    calendars = db.scalars(select(Calendar).where(Calendar.person_id == person.id)).all()
    for calendar in calendars:
        # Sealed like any other, so that keys can still be changed.
        nothing = f"erased:{calendar.id}"
        calendar.address = vault.seal(nothing, calendar.address_binding)
        calendar.fingerprint = vault.fingerprint(nothing)
        calendar.cursor, calendar.problem, calendar.set_aside = None, None, []
        calendar.status, calendar.next_read_at = CalendarStatus.DISCONNECTED, None
        calendar.disconnected_at = calendar.disconnected_at or act.at
    own = select(Calendar.id).where(Calendar.person_id == person.id)
    db.execute(delete(PushChannel).where(PushChannel.calendar_id.in_(own)))
    for copy in db.scalars(select(Copy).where(Copy.calendar_id.in_(own))):
        copy.provider_event_id, copy.conference, copy.reference = f"erased-{copy.id}", None, None
    db.execute(update(Absence).where(Absence.calendar_id.in_(own)).values(provider_event_id=None))
    return len(calendars)


def _end_agreements(db: OrmSession, pair_ids: list[int], today: date) -> None:
    of_pairs = Agreement.pair_id.in_(pair_ids)
    db.execute(delete(Agreement).where(of_pairs, Agreement.starts_on > today))
    db.execute(update(Agreement).where(of_pairs, Agreement.ends_on > today).values(ends_on=today))
    nothing_to_do = {"due_at": None, "provider_event_id": None, "version": None}
    db.execute(update(Booking).where(Booking.pair_id.in_(pair_ids)).values(**nothing_to_do))


def _forget_words(db: OrmSession, person: Person, pairs: Sequence[Pair]) -> None:
    db.execute(delete(Goal).where(Goal.created_by == person.id))
    for side in ("mentor", "mentee"):
        spoken = [pair.id for pair in pairs if getattr(pair, f"{side}_id") == person.id]
        agreements = select(Agreement.id).where(Agreement.pair_id.in_(spoken))
        db.execute(delete(Remark).where(Remark.side == side, Remark.agreement_id.in_(agreements)))
    db.execute(delete(Nudge).where(Nudge.person_id == person.id))
    on_it = select(InvitationPerson.invitation_id).where(InvitationPerson.person_id == person.id)
    db.execute(delete(Invitation).where(or_(Invitation.sender_id == person.id, Invitation.id.in_(on_it))))


def _forget_waiting(db: OrmSession, pairs: Sequence[Pair], now: datetime) -> None:
    """Drop the letters to others that wait and may name the person; what else they told is told anew.

    A digest is written anew by itself, where it is not there. An invitation is not: the pair has ended.
    """
    ids = [pair.id for pair in pairs]
    bookings = db.scalars(select(Booking.id).where(Booking.pair_id.in_(ids)))
    about = {*(f"digest/{pair.program_id}" for pair in pairs), *(f"invite/{each}" for each in bookings)}
    told = {tuple(row) for row in db.execute(select(Nudge.person_id, Nudge.told_at).where(_told(ids)))}
    columns = (OutboxMail.id, OutboxMail.dedupe_key, OutboxMail.kind, OutboxMail.person_id)
    waiting = select(*columns, OutboxMail.created_at, OutboxMail.state).where(UNSENT, IS_MAIL)
    for row in db.execute(waiting).all():
        if row.kind == "nudge" and (row.person_id, row.created_at) in told:
            # One that is under way may arrive: its other reminders are not told twice.
            if row.state is not OutboxState.INFLIGHT:
                _tell_again(db, row.person_id, row.created_at, ids, now)
        elif row.dedupe_key.rpartition("/")[0].rpartition("/")[0] not in about:
            continue
        db.execute(delete(OutboxMail).where(OutboxMail.id == row.id))


def _told(pair_ids: Sequence[int]) -> ColumnElement[bool]:
    return Nudge.pair_id.in_(pair_ids) & Nudge.told_at.is_not(None)


def _tell_again(
    db: OrmSession, person_id: int, told_at: datetime, without: Sequence[int], now: datetime
) -> None:
    # A reminder bears the moment of the letter that told it: both are one transaction.
    rest = update(Nudge).where(
        Nudge.person_id == person_id,
        Nudge.told_at == told_at,
        Nudge.pair_id.not_in(without),
        Nudge.closed_at.is_(None),
        Nudge.expires_at > now,
    )
    db.execute(rest.values(told_at=None, due_at=now))


def _forget_mail(db: OrmSession, person: Person) -> None:
    to_them = or_(OutboxMail.person_id == person.id, OutboxMail.recipient.in_(sorted(person.all_addresses)))
    # What is on its way now can not be called back; what waits is not sent.
    db.execute(delete(OutboxMail).where(to_them, OutboxMail.state != OutboxState.SENT))
    db.execute(update(OutboxMail).where(to_them).values(person_id=None, recipient="", last_error=None))
    # Events for programs name the two by their addresses.
    events = IS_EVENT & (OutboxMail.state != OutboxState.SENT)
    for event in db.scalars(select(OutboxMail).where(events)):
        if any(address.encode() in event.message for address in person.all_addresses):
            db.delete(event)
    # Letters to others name people, too. These were sent, or given up: nobody needs the text any more.
    over = OutboxMail.state.in_((OutboxState.SENT, OutboxState.FAILED)) & (
        func.length(OutboxMail.message) > 0
    )
    db.execute(update(OutboxMail).where(over).values(message=b""))


def _forget_name(db: OrmSession, person: Person, act: Act) -> None:
    db.execute(update(Person).where(Person.manager.in_(sorted(person.all_addresses))).values(manager=None))
    db.execute(update(AuditEntry).where(AuditEntry.subject == f"person:{person.id}").values(details={}))
    person.addresses.clear()
    person.email, person.name = f"erased-{person.id}@{ERASED_DOMAIN}", NAME
    person.timezone, person.language = "UTC", "en"
    person.country = person.subdivision = person.department = person.manager = None
    person.is_hr = person.is_admin = False
    person.snoozed_until, person.nudges_off_at = None, person.nudges_off_at or act.at
    # Links that were mailed open nothing any more.
    person.sign_in_version += 1
