"""The page on which somebody says what came between: a line of their own, which HR reads beside the miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from flask import flash
from flask_babel import gettext

from tracker.errors import BadInput, NotAllowed
from tracker.models import Agreement, Person
from tracker.services.audit import Act
from tracker.services.confirm import side_of
from tracker.services.links import LetterLink
from tracker.services.remarks import LONGEST, About, find_period, leave_remark, load_remarks
from web import current
from web.words.people import Eyes


@dataclass(frozen=True, slots=True)
class ExplainPage:
    """A period that passed without a session, and what this person said of it."""

    person: Person
    eyes: Eyes
    agreement_id: int
    first_on: date
    last_on: date
    said: str

    template: ClassVar[str] = "letters/explain.html"

    @classmethod
    def open(cls, link: LetterLink, person: Person) -> ExplainPage | None:
        """Return the page, None where the agreement is not theirs or has no such period."""
        first_on = date.fromordinal(link.details[0])
        with current.ports().store.read() as db:
            agreement = db.get(Agreement, link.row)
            side = side_of(agreement.pair, person) if agreement else None
            period = find_period(db, About(link.row, first_on))
            if agreement is None or side is None or period is None:
                return None
            said = [
                r.text for r in load_remarks(db, [agreement.id]) if (r.starts_on, r.side) == (first_on, side)
            ]
            eyes = Eyes(current.reader(), agreement.pair, side)
            _ = (agreement.pair.mentor, agreement.pair.mentee)
        last_on = period.ends_before - timedelta(days=1)
        return cls(person, eyes, agreement.id, first_on, last_on, "".join(said))

    def facts(self) -> dict[str, Any]:
        """Return what the template shows."""
        return {"page": self, "eyes": self.eyes, "longest": LONGEST}

    def act(self, form: Mapping[str, str], act: Act) -> None:
        """Keep the line, in place of the one before."""
        try:
            with current.ports().store.write() as db:
                text = form.get("text", "")
                leave_remark(db, About(self.agreement_id, self.first_on), text, by=self.person, act=act)
        except NotAllowed:
            return  # judged anew since it was opened: there is no such period, and the page says so
        except BadInput as error:
            flash(" ".join(gettext(problem) for problem in error.problems))
