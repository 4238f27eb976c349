"""Neither side learns what the other said before both spoke or the time for it is over."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.web.company import Company, Duo, utc
from tracker.models import Pair, Person, Session
from tracker.services.review import touch_pairs

Enter = Callable[[Person], FlaskClient]

ENDED = utc("11-17", 15)  # a day ago: both can still say
ANSWERS = [
    {"held": True, "absent": ()},
    {"held": False, "absent": ()},
    {"held": False, "absent": ("mentor",)},
    {"held": False, "absent": ("mentee",)},
    {"held": False, "absent": ("mentor", "mentee")},
]


def meet(company: Company, duo: Duo, kind: str) -> Session:
    says = [(utc("11-01"), ENDED, "confirmed")]
    if kind == "cancelled":
        says.append((utc("11-16"), ENDED, "cancelled"))
    session = company.meeting(duo.pair, duo.calendars, *says)
    if kind == "recorded":
        with company.ports.store.write() as db:
            db.get_one(Session, session.id).attendance_recorded = True
    company.review()
    return session


def say(company: Company, duo: Duo, session: Session, answer: dict[str, object]) -> None:
    company.say(session, duo.pair, "mentor", at=company.now, **answer)  # type: ignore[arg-type]
    with company.ports.store.write() as db:
        touch_pairs(db, [db.get_one(Pair, duo.pair.id).id], company.now)
    company.review()


def seen(client: FlaskClient, *paths: str) -> list[str]:
    return [re.sub(r'name="csrf_token" value="[^"]*"', "", client.get(path).text) for path in paths]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", ["stands", "cancelled", "recorded"])
def test_the_partners_pages_are_the_same_with_and_without_the_answer(
    company: Company, duo: Duo, enter: Enter, kind: str, answer: dict[str, object]
) -> None:
    session = meet(company, duo, kind)
    client, paths = enter(duo.mentee), (f"/pairs/{duo.pair.id}", "/pairs")
    before = seen(client, *paths)
    say(company, duo, session, answer)
    if (kind, answer["held"]) != ("cancelled", True):
        assert seen(client, *paths) == before


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", ["stands", "recorded"])
def test_nor_does_a_partner_learn_it_who_is_of_hr(
    company: Company, duo: Duo, enter: Enter, kind: str, answer: dict[str, object]
) -> None:
    with company.ports.store.write() as db:
        db.get_one(Person, duo.mentee.id).is_hr = True
    session = meet(company, duo, kind)
    client, paths = enter(duo.mentee), (f"/pairs/{duo.pair.id}", "/pairs", "/hr", "/hr/pairs.csv")
    before = seen(client, *paths)
    say(company, duo, session, answer)
    assert seen(client, *paths) == before


def test_what_the_calendar_called_off_is_asked_about_without_saying_why(
    company: Company, duo: Duo, enter: Enter
) -> None:
    # One of the two says that a session took place which the calendar shows as cancelled. The other has to be
    # asked, and can guess the reason; the page names none.
    session = meet(company, duo, "cancelled")
    say(company, duo, session, ANSWERS[0])
    page = enter(duo.mentee).get(f"/pairs/{duo.pair.id}").text
    assert "Did you and Ana meet yesterday?" in page
    assert "Ana said" not in page


@pytest.mark.parametrize("answer", ANSWERS)
def test_it_is_shown_once_both_spoke(
    company: Company, duo: Duo, enter: Enter, answer: dict[str, object]
) -> None:
    session = meet(company, duo, "stands")
    client, path = enter(duo.mentee), f"/pairs/{duo.pair.id}"
    company.say(session, duo.pair, "mentee", held=True, at=company.now)
    say(company, duo, session, answer)
    assert "Ana said that it" in client.get(path).text


def test_it_is_shown_once_the_time_is_over(company: Company, duo: Duo, enter: Enter) -> None:
    session = meet(company, duo, "stands")
    say(company, duo, session, ANSWERS[1])
    path = f"/pairs/{duo.pair.id}"
    assert "Ana said that it" not in enter(duo.mentee).get(path).text
    company.clock.instant += timedelta(days=3)
    assert "Ana said that it" in enter(duo.mentee).get(path).text


def test_whoever_spoke_sees_that_the_other_has_not(company: Company, duo: Duo, enter: Enter) -> None:
    session = meet(company, duo, "stands")
    say(company, duo, session, ANSWERS[0])
    assert "Luis has not answered yet" in enter(duo.mentor).get(f"/pairs/{duo.pair.id}").text
