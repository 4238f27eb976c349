"""Small things that templates do to words. Never escapes by itself: Jinja does."""

from datetime import datetime

from flask import Flask

from tracker.services.overview import Card
from tracker.wording import Reader, first_name
from web import current
from web.words.people import initials
from web.words.problems import problem_for_admin, problem_for_owner
from web.words.standing import next_session, standing


def add_filters(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        initials=initials,
        first_name=first_name,
        standing=lambda card: standing(current.reader(), card),
        own_lines=own_lines,
        short_day=short_day,
        place=place,
        capfirst=capfirst,
        on_day=on_day,
        of_day=of_day,
        kind=lambda thing: type(thing).__name__,
        problem_for_owner=lambda code: problem_for_owner(current.reader(), code),
        problem_for_admin=lambda code, person: problem_for_admin(current.reader(), code, person),
    )


def own_lines(card: Card) -> list[str]:
    """Return what stands on the card of one's own pair: what comes next, and no judgement."""
    line = next_session(current.reader(), card.ledger) if card.ledger else ""
    return [line] if line else []


def short_day(at: datetime) -> str:
    """Return "10 Nov" on the reader's clock."""
    reader = current.reader()
    return reader.short_day(reader.local(at).date())


def on_day(at: datetime) -> str:
    """Return "on Tuesday", "yesterday" on the reader's clock."""
    reader = current.reader()
    return reader.on_day(reader.local(at).date(), current.today())


def of_day(at: datetime) -> str:
    """Return which session is meant, after the words "the session"."""
    reader = current.reader()
    return reader.of_day(reader.local(at).date(), current.today())


def place(timezone: str) -> str:
    """Return the place that a time zone is named after."""
    return Reader(current.language(), timezone).zone()


def capfirst(text: str) -> str:
    """Return the text with a capital in front."""
    return text[:1].upper() + text[1:]
