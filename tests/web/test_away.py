"""Days away: two presses, nobody asks why, and each takes back only what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.company import Company, Duo
from tracker.models import Absence, AuditEntry, Person

Enter = Callable[[Person], FlaskClient]
Post = Callable[..., tuple[int, str]]
DAYS = {"first": "2026-11-23", "last": "2026-11-27"}


def absences(company: Company) -> list[Absence]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(Absence).order_by(Absence.id)))


def path(duo: Duo) -> str:
    return f"/pairs/{duo.pair.id}/away"


def test_the_pairs_page_leads_there(duo: Duo, enter: Enter) -> None:
    assert f'href="{path(duo)}"' in enter(duo.mentor).get(f"/pairs/{duo.pair.id}").text


@pytest.mark.parametrize("who", ["leave", "pause"])
def test_days_away_are_noted(company: Company, duo: Duo, enter: Enter, post: Post, who: str) -> None:
    _, page = post(enter(duo.mentee), path(duo), path(duo), who=who, **DAYS)
    assert "23–27 November" in page
    (absence,) = absences(company)
    assert (absence.starts_on, absence.ends_on) == (date(2026, 11, 23), date(2026, 11, 27))
    owner = (absence.person_id, absence.pair_id)
    assert owner == ((duo.mentee.id, None) if who == "leave" else (None, duo.pair.id))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({**DAYS, "last": "2026-11-20"}, "The last day comes before the first."),
        ({**DAYS, "first": ""}, "Please choose the first day."),
        ({**DAYS, "who": "everybody"}, "Not a valid choice"),
    ],
)
def test_days_that_can_not_be_are_refused(
    company: Company, duo: Duo, enter: Enter, post: Post, data: dict[str, str], words: str
) -> None:
    status, page = post(enter(duo.mentor), path(duo), path(duo), **{"who": "leave", **data})
    assert (status, words in page) == (422, True)
    assert absences(company) == []


def test_days_away_are_removed(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    post(client, path(duo), path(duo), who="pause", **DAYS)
    (absence,) = absences(company)
    _, page = post(client, path(duo), f"{path(duo)}/{absence.id}/remove")
    assert "Sessions are expected on these days again." in page
    assert absences(company) == []
    with company.ports.store.read() as db:
        assert db.scalars(select(AuditEntry.act)).all()[-2:] == ["pause.added", "pause.removed"]


def test_ones_leave_is_ones_own(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    post(enter(duo.mentor), path(duo), path(duo), who="leave", **DAYS)
    (absence,) = absences(company)
    partner = enter(duo.mentee)
    assert "23–27 November" not in partner.get(path(duo)).text
    status, _ = post(partner, path(duo), f"{path(duo)}/{absence.id}/remove")
    assert status == 404
    assert len(absences(company)) == 1


def test_leave_that_a_calendar_told_stays_until_the_calendar_says_otherwise(
    company: Company, duo: Duo, enter: Enter, post: Post
) -> None:
    client = enter(duo.mentor)
    post(client, path(duo), path(duo), who="leave", **DAYS)
    (absence,) = absences(company)
    with company.ports.store.write() as db:
        db.get_one(Absence, absence.id).calendar_id = duo.calendars[0].id
    assert "from your calendar" in client.get(path(duo)).text
    status, _ = post(client, path(duo), f"{path(duo)}/{absence.id}/remove")
    assert status == 404


def test_a_pause_is_told_in_the_pairs_periods(company: Company, duo: Duo, enter: Enter, post: Post) -> None:
    client = enter(duo.mentor)
    post(client, path(duo), path(duo), who="pause", first="2026-11-02", last="2026-11-15")
    assert "the two had agreed on a pause" in client.get(f"/pairs/{duo.pair.id}").text
