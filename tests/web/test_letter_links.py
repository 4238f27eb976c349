"""Every link of a reminder leads to a page that is there, for whom it was written to."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import update

from tests.web.company import Company, Duo, utc
from tracker.models import Calendar, Person
from tracker.services.nudges.rounds import remind
from tracker.services.outbox import send_due

Enter = Callable[[Person], FlaskClient]


def read_letters(folder: Path) -> dict[str, str]:
    letters = {}
    for path in folder.glob("nudge*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        assert body
        letters[mail["To"].addresses[0].addr_spec] = body.get_content()
    return letters


def go_to(company: Company, day: str) -> None:
    company.clock.instant = utc(day)
    with company.ports.store.write() as db:
        db.execute(update(Calendar).values(last_read_at=company.now))
    company.review()


def test_every_link_of_a_reminder_leads_to_a_page(
    company: Company, duo: Duo, enter: Enter, tmp_path: Path
) -> None:
    # One pair missed a fortnight, another has a session of which nobody spoke.
    bare = company.duo("Eva Gil", "Leo Mar")
    company.meeting(duo.pair, duo.calendars, (utc("11-10"), utc("11-19"), "confirmed"))
    go_to(company, "11-12")
    go_to(company, "11-20")
    remind(company.ports, company.now)
    send_due(company.ports.store, company.ports.mailer, company.now)
    letters = read_letters(tmp_path / "mail")
    base = company.ports.settings.base_url
    kinds = set()
    for person in (duo.mentor, duo.mentee, bare.mentor, bare.mentee):
        client = enter(person)
        for link in re.findall(re.escape(base) + r"(/\S+)", letters[person.email]):
            assert client.get(link).status_code == 200, link
            kinds.add(re.sub(r"\d+|(?<=/letter/).*|(?<=/unsubscribe/).*", "N", link))
    assert kinds >= {"/pairs/N/new-date", "/pairs/N/tell", "/letter/N", "/unsubscribe/N"}
