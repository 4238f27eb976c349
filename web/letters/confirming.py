"""The page of "did you meet?". Never shows what the other one answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import flash, request
from flask_babel import gettext
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput, NotAllowed
from tracker.ledger import Side
from tracker.models import Person, Session
from tracker.services.audit import Act
from tracker.services.confirm import confirm_session, latest_statement, side_of, withdraw_statement
from tracker.services.links import LetterLink
from web import current
from web.judging import judge_now
from web.pairs import read_answer
from web.words.people import Eyes


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """One session, one of the two, and what they said of it so far."""

    person: Person
    session: Session
    eyes: Eyes
    side: Side
    said: str | None  # held, no, or nothing yet
    was_moved: bool

    template: ClassVar[str] = "letters/confirm.html"

    @classmethod
    def open(cls, link: LetterLink, person: Person) -> ConfirmPage | None:
        """Return the page, None where the session is no more, or is not theirs."""
        with current.ports().store.read() as db:
            session = db.get(Session, link.row)
            side = side_of(session.pair, person) if session else None
            if session is None or side is None:
                return None
            latest = latest_statement(session, side)
            eyes = Eyes(current.reader(), session.pair, side)
            _ = (session.pair.mentor, session.pair.mentee)
        said = None if latest is None else ("held" if latest.held else "no")
        moved = link.details != (int(session.starts_at.timestamp()),)
        return cls(person, session, eyes, side, said, moved)

    def facts(self) -> dict[str, Any]:
        """Return what the template shows."""
        return {"page": self, "eyes": self.eyes, "asks_who": request.args.get("answer") == "no"}

    def act(self, form: Mapping[str, str], act: Act) -> None:
        """Take the answer, or take it back."""
        if self.was_moved:
            return
        try:
            with current.ports().store.write() as db:
                self._say(db, form.get("answer", ""), act)
        except (BadInput, NotAllowed):
            flash(gettext("This session is not asked about any more. Nothing was changed."))
            return
        judge_now(self.session.pair_id)

    def _say(self, db: OrmSession, answer: str, act: Act) -> None:
        if answer == "withdraw":
            withdraw_statement(db, self.session.id, by=self.person, act=act)
            return
        held, absent = read_answer(answer, self.side)
        confirm_session(db, self.session.id, by=self.person, held=held, absent=absent, act=act)
