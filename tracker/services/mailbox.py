"""The program's own mailbox: taking in invitations to sessions, and keeping how far it was read.

The network comes first, then one transaction for rows and place together. Only messages of people who are in
a pair are kept, and of these what `MailboxReader.trim` leaves, sealed. Never logs an address or a title.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.bulk import in_order
from tracker.errors import ConnectorError
from tracker.incoming import CalendarMail, MailboxReader, MailPage, MailPlace, Method
from tracker.models import (
    Agreement,
    Calendar,
    CalendarStatus,
    Invitation,
    InvitationPerson,
    Mailbox,
    Pair,
    Person,
    PersonAddress,
    Program,
    Provider,
)
from tracker.observing import hash_lineage
from tracker.references import reader_of
from tracker.services.needs import SealedStore
from tracker.services.scope import LOOK_BACK
from tracker.settings import Settings
from tracker.store import Store, portions
from tracker.tags import TagRules

# A login that fails is not tried each minute: servers lock accounts for that.
AFTER_FAILURE = timedelta(minutes=10)
ANEW_EVERY = timedelta(days=1)
LARGEST_CONTENT = 256 << 10


class MailboxPorts(SealedStore, Protocol):
    """What reading the mailbox needs of the outside world; `mailbox` is None where none is set up."""

    @property
    def settings(self) -> Settings:
        """Return the settings: the company's tags and the program's address."""

    @property
    def mailbox(self) -> MailboxReader | None:
        """Return what reads the mailbox."""


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """What a reading brought: messages looked at, and of the calendar objects in them how many were kept.

    `refused` are those whose sender has no say in the entry. `problem` is a stable code, None where the
    mailbox was read to its end.
    """

    looked_at: int = 0
    kept: int = 0
    refused: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Desk:
    ports: MailboxPorts
    reader: MailboxReader
    mailbox_id: int
    now: datetime


def read_mailbox(ports: MailboxPorts, now: datetime) -> MailboxReport | None:
    """Read what is new in the mailbox; None where there is none, or it failed a moment ago."""
    if ports.mailbox is None:
        return None
    begun = _begin(ports.store, ports.mailbox.name, now)
    if begun is None:
        return None
    desk, place = _Desk(ports, ports.mailbox, begun[0], now), begun[1]
    report, has_more = MailboxReport(), True
    while has_more:
        try:
            page = desk.reader.read(place)
        except ConnectorError as error:
            _note_failure(desk, error)
            return replace(report, problem=error.code)
        # If the process dies here, the page is read again from the old place: the keys drop what comes twice.
        brought = _take_in(desk, page, place)
        report = _add(report, brought)
        place, has_more = page.place, page.has_more and brought is not None
    return report


def _begin(store: Store, name: str, now: datetime) -> tuple[int, MailPlace] | None:
    """Return the mailbox's id and from where it is to be read."""
    with store.write() as db:
        mailbox = db.scalar(select(Mailbox).where(Mailbox.fingerprint == hash_name(name)))
        if mailbox is None:
            mailbox = Mailbox(fingerprint=hash_name(name), last_uid=0, begun_at=now)
            db.add(mailbox)
        elif mailbox.problem and mailbox.last_tried_at and now - mailbox.last_tried_at < AFTER_FAILURE:
            return None
        elif _is_to_begin_anew(db, mailbox, now):
            mailbox.last_uid, mailbox.begun_at = 0, now
        mailbox.last_tried_at = now
        db.flush()
        return mailbox.id, MailPlace(mailbox.uid_validity, mailbox.last_uid)


def _is_to_begin_anew(db: OrmSession, mailbox: Mailbox, now: datetime) -> bool:
    # Whoever was paired since then may have been invited before, and that was nobody's business at the time.
    if mailbox.begun_at is None or now - mailbox.begun_at < ANEW_EVERY:
        return mailbox.begun_at is None
    newest = db.scalar(select(func.max(Pair.created_at)))
    return newest is not None and newest > mailbox.begun_at


def _note_failure(desk: _Desk, error: ConnectorError) -> None:
    with desk.ports.store.write() as db:
        db.get_one(Mailbox, desk.mailbox_id).problem = error.code


def _add(report: MailboxReport, brought: MailboxReport | None) -> MailboxReport:
    if brought is None:
        return report
    return MailboxReport(
        report.looked_at + brought.looked_at, report.kept + brought.kept, report.refused + brought.refused
    )


def _take_in(desk: _Desk, page: MailPage, before: MailPlace) -> MailboxReport | None:
    """Store what concerns us together with the new place; None where somebody else read meanwhile."""
    with desk.ports.store.write() as db:
        mailbox = db.get_one(Mailbox, desk.mailbox_id, with_for_update=True)
        if (mailbox.uid_validity, mailbox.last_uid) != (before.uid_validity, before.last_uid):
            return None
        sorting = _Sorting(desk, _find_paired(db, page.mails, desk.now), _load_rules(db, desk.ports))
        kept = [letter for mail in page.mails if (letter := sorting.sort(mail))]
        count = _store(db, desk, kept)
        mailbox.uid_validity, mailbox.last_uid = page.place.uid_validity, page.place.last_uid
        mailbox.problem = None
        if not page.has_more:
            mailbox.last_read_at = desk.now
        return MailboxReport(page.looked_at, count, sorting.refused)


@dataclass(frozen=True, slots=True)
class _Letter:
    """One message as it is to be stored."""

    key: str
    uid: str
    method: Method
    sender_id: int | None
    people: frozenset[int]
    content: str


@dataclass(slots=True)
class _Sorting:
    """Decides about each message; `people` are those of ours who are in a pair, by each address."""

    desk: _Desk
    people: Mapping[str, int]
    rules: TagRules
    refused: int = 0

    def sort(self, mail: CalendarMail) -> _Letter | None:
        """Return what to store of the message, None where it is nobody's business or not to be believed."""
        ours = frozenset(address for address in mail.people if address in self.people)
        if not ours:
            return None
        content = self.desk.reader.trim(mail, ours, self.rules)
        if content is None or len(content) > LARGEST_CONTENT:
            return None
        if not self._has_a_say(mail):
            self.refused += 1
            return None
        return _Letter(
            key=hash_name("\0".join((mail.method, mail.sender, content))),
            uid=hash_lineage(mail.uid),
            method=self._method_of(mail),
            sender_id=self.people.get(mail.sender),
            people=frozenset(self.people[address] for address in ours),
            content=content,
        )

    def _has_a_say(self, mail: CalendarMail) -> bool:
        """Tell whether the sender may say that: the organiser of the entry, an attendee of the answer."""
        if not mail.sender:
            return False
        if mail.method is Method.REPLY:
            (attendee,) = mail.attendees
            return self._is_same(mail.sender, attendee)
        # Whom the organiser lets write has to be of the same house, or anybody could say so of themselves.
        by_deputy = mail.sender == mail.sent_by and _domain(mail.sender) == _domain(mail.organiser)
        return by_deputy or self._is_same(mail.sender, mail.organiser)

    def _is_same(self, one: str, other: str) -> bool:
        return one == other or (one in self.people and self.people[one] == self.people.get(other))

    def _method_of(self, mail: CalendarMail) -> Method:
        guests = {self.people[a] for a in mail.attendees if a in self.people}
        if mail.method is Method.CANCEL and not guests - {self.people.get(mail.organiser)}:
            # Whoever takes the mailbox off an entry sends it a cancellation that names nobody else (RFC 5546,
            # 3.2.5): the session may well stand.
            return Method.UNINVITE
        return mail.method


def _load_rules(db: OrmSession, ports: MailboxPorts) -> TagRules:
    programs = {address.lower() for address in db.scalars(select(Program.address)) if address}
    return TagRules(
        markers=ports.settings.tags,
        program_addresses=frozenset(programs | {ports.settings.program_address or ""}) - {""},
        is_ours=reader_of(ports.settings.secret_keys),
    )


def _find_paired(db: OrmSession, mails: Iterable[CalendarMail], now: datetime) -> dict[str, int]:
    """Return those in a pair whose agreement is not long over, by each address that the messages name."""
    found = find_people(db, {a for mail in mails for a in (*mail.people, mail.sender)})
    paired: set[int] = set()
    for ids in portions(sorted(set(found.values())), 5_000):
        rows = db.execute(
            select(Pair.mentor_id, Pair.mentee_id)
            .join(Agreement)
            .where(or_(Pair.mentor_id.in_(ids), Pair.mentee_id.in_(ids)))
            .where(Agreement.ends_on > now.date() - LOOK_BACK)
        )
        paired.update(person for row in rows for person in row)
    return {address: person_id for address, person_id in found.items() if person_id in paired}


def find_people(db: OrmSession, addresses: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in portions(sorted(addresses)):
        main = select(Person.email, Person.id).where(Person.email.in_(some))
        further = select(PersonAddress.email, PersonAddress.person_id).where(PersonAddress.email.in_(some))
        found.update((row.email, row.id) for row in db.execute(main.union_all(further)))
    return found


def _store(db: OrmSession, desk: _Desk, letters: list[_Letter]) -> int:
    by_key = {letter.key: letter for letter in letters}
    known = db.scalars(
        select(Invitation.dedupe_key).where(
            Invitation.mailbox_id == desk.mailbox_id, Invitation.dedupe_key.in_(by_key)
        )
    ).all()
    new = [letter for key, letter in by_key.items() if key not in set(known)]
    rows = [_row(desk, letter) for letter in new]
    db.add_all(rows)
    db.flush()
    named = [
        {"person_id": person, "invitation_id": row.id}
        for row, letter in zip(rows, new, strict=True)
        for person in sorted(letter.people)
    ]
    if named:
        db.execute(insert(InvitationPerson), named)
        _read_soon(db, {letter.uid for letter in new}, desk.now)
    return len(new)


def _row(desk: _Desk, letter: _Letter) -> Invitation:
    row = Invitation(
        mailbox_id=desk.mailbox_id,
        dedupe_key=letter.key,
        uid=letter.uid,
        sender_id=letter.sender_id,
        method=letter.method,
        received_at=desk.now,
    )
    row.content = desk.ports.vault.seal(letter.content, row.binding)
    return row


def _read_soon(db: OrmSession, uids: set[str], now: datetime) -> None:
    """Have the mailbox calendars of all who are on these entries read at the next tick."""
    people = (
        select(InvitationPerson.person_id)
        .join(Invitation, Invitation.id == InvitationPerson.invitation_id)
        .where(Invitation.uid.in_(uids))
    )
    theirs = and_(
        Calendar.person_id.in_(people),
        Calendar.provider == Provider.MAILBOX,
        Calendar.status == CalendarStatus.CONNECTED,
    )
    db.execute(
        update(Calendar)
        .where(in_order(Calendar.id, theirs))
        .values(next_read_at=now)
        .execution_options(synchronize_session=False)
    )


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def hash_name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
