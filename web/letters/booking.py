"""The page of one time that suits: one press puts it into the calendars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import flash
from flask_babel import gettext

from tracker.errors import BadInput
from tracker.events import Window
from tracker.models import Pair, Person
from tracker.services.audit import Act
from tracker.services.bookings import Booked, book, call_off, list_booked
from tracker.services.confirm import side_of
from tracker.services.links import LetterLink
from web import current
from web.words.people import Eyes


@dataclass(frozen=True, slots=True)
class BookPage:
    """A time for the two; `booked` is what stands there already, if it does."""

    person: Person
    slot: Window
    eyes: Eyes
    booked: Booked | None

    template: ClassVar[str] = "letters/book.html"

    @classmethod
    def open(cls, link: LetterLink, person: Person) -> BookPage | None:
        """Return the page, None where the pair is not theirs."""
        start, end = (datetime.fromtimestamp(second, UTC) for second in link.details)
        with current.ports().store.read() as db:
            pair = db.get(Pair, link.row)
            side = side_of(pair, person) if pair else None
            if pair is None or side is None:
                return None
            known = [b for b in list_booked(db, pair.id, current.now()) if b.starts_at == start]
            _ = (pair.mentor, pair.mentee)
        return cls(
            person, Window(start, end), Eyes(current.reader(), pair, side), known[0] if known else None
        )

    def facts(self) -> dict[str, Any]:
        """Return what the template shows."""
        return {"page": self, "eyes": self.eyes}

    def act(self, form: Mapping[str, str], act: Act) -> None:
        """Ask for the session, or call it off again."""
        keys, pair_id = current.ports().settings.keys, self.eyes.pair.id
        try:
            with current.ports().store.write() as db:
                if form.get("answer") != "call_off":
                    book(db, keys, pair_id, self.slot, act)
                elif self.booked is not None:
                    call_off(db, self.booked.id, act)
        except BadInput as error:
            flash(" ".join(gettext(problem) for problem in error.problems))
