"""The page that stops reminders for a week. Letters that somebody asks for still come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from tracker.models import Person
from tracker.services.audit import Act, record
from tracker.services.links import LetterLink
from web import current

SNOOZE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SnoozePage:
    """One person, and until when they have peace."""

    person: Person

    template: ClassVar[str] = "letters/snooze.html"

    @classmethod
    def open(cls, _link: LetterLink, person: Person) -> SnoozePage:
        """Return the page."""
        return cls(person)

    @property
    def is_quiet(self) -> bool:
        """Tell whether reminders are stopped now."""
        return self.person.snoozed_until is not None and self.person.snoozed_until > current.now()

    def facts(self) -> dict[str, Any]:
        """Return what the template shows."""
        return {"page": self, "until": current.now() + SNOOZE}

    def act(self, form: Mapping[str, str], act: Act) -> None:
        """Stop reminders for a week from now, or let them come again."""
        until = None if form.get("answer") == "resume" else act.at + SNOOZE
        with current.ports().store.write() as db:
            db.get_one(Person, self.person.id).snoozed_until = until
            record(db, act, "nudges.snoozed" if until else "nudges.resumed", f"person:{self.person.id}")
