"""The two, their calendars, and everything that a nudge goes through: sync, review, notice, letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from integrations.mail import open_writer
from integrations.vault import fresh_key
from tests.tracker.world import Duo, full, instant
from tracker.events import CalendarEvent
from tracker.models import Nudge, OutboxMail, Person, Session
from tracker.ports import LetterWriter
from tracker.services.audit import Act
from tracker.services.confirm import confirm_session
from tracker.services.nudges.bundling import Suggestion
from tracker.services.nudges.mailing import MailReport, mail_nudges
from tracker.services.nudges.noticing import NoticeReport, notice
from tracker.services.review import review
from tracker.settings import Settings
from tracker.store import Store


@dataclass
class Desk:
    """Ports for nudges over the two's database."""

    duo: Duo
    settings: Settings = field(default_factory=lambda: Settings(secret_keys=(fresh_key(),)))
    writer: LetterWriter = field(default_factory=open_writer)
    times: tuple[Suggestion, ...] = ()
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.duo.world.store

    def read(self, at: str, *events: CalendarEvent) -> None:
        """Have both calendars show the same entries, and judge."""
        self.duo.sync(full(*events), at)
        self.duo.sync_other(full(), at)
        review(self.store, instant(at))

    def notice(self, at: str) -> NoticeReport:
        """Judge what is due, and draw nudges from it."""
        review(self.store, instant(at))
        return notice(self.store, instant(at))

    def mail(self, at: str) -> MailReport:
        """Write what is due."""
        return mail_nudges(self, self._suggest, instant(at))

    def tick(self, at: str) -> MailReport:
        """Judge, notice and write, as the schedule does."""
        self.notice(at)
        return self.mail(at)

    def confirm(self, person_id: int, at: str) -> None:
        """Let that person say that the session took place."""
        with self.store.write() as db:
            session = db.scalars(select(Session)).one()
            person = db.get_one(Person, person_id)
            act = Act(person_id, "site", instant(at))
            confirm_session(db, session.id, by=person, held=True, absent=frozenset(), act=act)

    def set_person(self, person_id: int, **columns: object) -> None:
        """Change somebody."""
        with self.store.write() as db:
            person = db.get_one(Person, person_id)
            for name, value in columns.items():
                setattr(person, name, value)

    def nudges(self) -> list[tuple[int, str, str]]:
        """Return whom each open nudge is for, its kind and what it is about."""
        with self.store.read() as db:
            rows = db.scalars(select(Nudge).where(Nudge.due_at.is_not(None)).order_by(Nudge.id)).all()
        return sorted((row.person_id, row.kind.value, row.about) for row in rows)

    def letters(self) -> Sequence[OutboxMail]:
        """Return the letters in the outbox, oldest first."""
        with self.store.read() as db:
            return db.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()

    def _suggest(self, pair_id: int, person_id: int, now: datetime) -> Sequence[Suggestion]:
        self.asked.append((pair_id, person_id))
        return self.times


def suggestion(start: str, *, is_sure: bool = True) -> Suggestion:
    """Return three quarters of an hour from then on."""
    return Suggestion(instant(start), instant(start) + timedelta(minutes=45), is_sure)
