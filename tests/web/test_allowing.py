"""What people allow beyond reading: a second step of their own, which a no leaves without any consequence."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import FREE_BUSY
from tests.fakes.graph import FakeGraph
from tests.web.company import Company, csrf_of
from tests.web.providers import PAGE, come_back, leave, link_of
from tracker.models import Calendar, Credential, CredentialStatus, Person
from tracker.ports import Want
from tracker.services.consents import allowed

READING = {"google": {Want.READ}, "outlook": {Want.READ, Want.FREE_BUSY}}


@dataclass
class Visit:
    """Somebody whose account is connected for reading, before a browser."""

    company: Company
    provider: str
    fake: FakeGoogle | FakeGraph
    client: FlaskClient
    person: Person

    def agree(self, address: str, **how: object) -> str:
        """Say yes at the provider, to what is ticked; return the page one comes back to."""
        if isinstance(self.fake, FakeGoogle):
            answer = self.fake.visit(address, self.person.email, **how)  # type: ignore[arg-type]
        else:
            answer = self.fake.desk.page.visit(address, self.person.email)
        return come_back(self.client, self.provider, answer)

    def refuse(self, address: str) -> str:
        """Say no there."""
        if isinstance(self.fake, FakeGoogle):
            answer = self.fake.visit(address, self.person.email, error="access_denied")
        else:
            self.fake.desk.page.error = ("access_denied", 65004)
            answer = self.fake.desk.page.visit(address, self.person.email)
        return come_back(self.client, self.provider, answer)

    def press(self, to: str, **data: object) -> str:
        token = csrf_of(self.client.get(PAGE).text)
        return self.client.post(to, data={"csrf_token": token, **data}, follow_redirects=True).text

    def allow(self, what: str = "dates") -> str:
        """Press the button of the second step; return the page before one leaves."""
        return self.press(f"{PAGE}/{self.calendar.id}/allow", what=what)

    @property
    def calendar(self) -> Calendar:
        with self.company.ports.store.read() as db:
            return db.scalars(select(Calendar)).one()

    def may(self) -> set[Want]:
        with self.company.ports.store.read() as db:
            row = db.scalars(select(Credential)).one()
        assert row.status is CredentialStatus.ACTIVE
        return set(allowed(self.company.ports.consents, row))


@pytest.fixture(params=["google", "outlook"])
def visit(request: pytest.FixtureRequest) -> Visit:
    company: Company = request.getfixturevalue(f"at_{request.param}")
    fake = request.getfixturevalue("google" if request.param == "google" else "graph")
    client, person, address = leave(company, request.param)
    (fake.office if isinstance(fake, FakeGoogle) else fake).hire(person.email)
    made = Visit(company, request.param, fake, client, person)
    assert "Connected" in made.agree(address)
    return made


def test_more_is_asked_for_where_its_owner_wants_it(visit: Visit) -> None:
    assert visit.may() == READING[visit.provider]
    assert "let Cadencia put your sessions into this calendar" in visit.client.get(PAGE).text
    before = visit.allow()
    assert "Written: sessions that one of you two sets" in before
    assert "Seen after a session" not in before
    text = visit.agree(link_of(before))
    assert "Thank you. What you allow stands below" in text
    assert visit.may() == {Want.READ, Want.WRITE, Want.FREE_BUSY}
    assert "let Cadencia put your sessions into this calendar" not in text
    assert "To take some of it back" in text


def test_a_no_there_leaves_reading(visit: Visit) -> None:
    text = visit.refuse(link_of(visit.allow()))
    assert "You chose not to allow it, so nothing was changed" in text
    assert "Your calendar is read as before." in text
    assert visit.may() == READING[visit.provider]


def test_looking_at_the_page_before_asks_and_changes_nothing(visit: Visit) -> None:
    visit.allow()
    assert visit.client.get(f"{PAGE}/{visit.calendar.id}/allow").status_code == 405
    assert visit.may() == READING[visit.provider]


def test_connecting_again_after_disconnecting_asks_for_reading_alone(visit: Visit) -> None:
    visit.agree(link_of(visit.allow()))
    visit.press(f"{PAGE}/{visit.calendar.id}/disconnect")
    before = visit.press(f"{PAGE}/{visit.provider}/connect")
    assert "Written: sessions" not in before
    assert "Connected" in visit.agree(link_of(before))
    assert visit.may() == READING[visit.provider]


def test_online_meetings_are_asked_for_only_where_a_program_wants_them(visit: Visit) -> None:
    assert "online meeting" not in visit.client.get(PAGE).text
    assert "One step at" not in visit.allow("attendance")
    program = visit.company.program(reads_attendance=True)
    visit.company.pair(program, visit.person, visit.company.person("Luis Pérez"))
    before = visit.allow("attendance")
    assert "Seen after a session" in before
    assert "Written: sessions" not in before
    visit.agree(link_of(before))
    assert visit.may() == READING[visit.provider] | {Want.ATTENDANCE}


def test_nobody_allows_anything_for_somebody_else(visit: Visit) -> None:
    app = visit.client.application
    other = visit.company.sign_in(app.test_client(), visit.company.person("Eva Gil", is_admin=True))
    data = {"csrf_token": csrf_of(other.get(PAGE).text), "what": "dates"}
    assert other.post(f"{PAGE}/{visit.calendar.id}/allow", data=data).status_code == 404


@pytest.mark.parametrize("what", ["", "everything", "attendance"])
def test_what_is_not_offered_is_not_asked_for(visit: Visit, what: str) -> None:
    assert "One step at" not in visit.allow(what)


def test_a_box_that_stays_empty_is_fine(at_google: Company, google: FakeGoogle) -> None:
    client, person, address = leave(at_google, "google")
    google.office.hire(person.email)
    visit = Visit(at_google, "google", google, client, person)
    visit.agree(address)
    text = visit.agree(link_of(visit.allow()), ticks=frozenset({FREE_BUSY}))
    assert "Not all of it was allowed there, and that is fine" in text
    assert visit.may() == {Want.READ, Want.FREE_BUSY}
    assert "let Cadencia put your sessions into this calendar" in text  # what is lacking can be allowed later


def test_teams_meetings_wait_for_an_administrator_and_reading_goes_on(
    at_outlook: Company, graph: FakeGraph
) -> None:
    client, person, address = leave(at_outlook, "outlook")
    graph.hire(person.email)
    visit = Visit(at_outlook, "outlook", graph, client, person)
    visit.agree(address)
    at_outlook.pair(at_outlook.program(reads_attendance=True), person, at_outlook.person("Luis Pérez"))
    graph.desk.page.needs_admin = frozenset({"OnlineMeetingArtifact.Read.All"})
    text = visit.agree(link_of(visit.allow("attendance")))
    assert "An administrator at your company has to approve Cadencia first" in text
    assert "Your calendar is read as before." in text


def test_who_is_not_seen_is_told_where_to_allow_it(at_google: Company, google: FakeGoogle) -> None:
    client, person, address = leave(at_google, "google")
    google.office.hire(person.email)
    visit = Visit(at_google, "google", google, client, person)
    visit.agree(address)
    partner = at_google.person("Luis Pérez")
    pair = at_google.pair(at_google.program(), person, partner)
    page = f"/pairs/{pair.id}/new-date"
    assert "Allow it under" in client.get(page).text
    other = at_google.sign_in(client.application.test_client(), partner)
    assert "Ana can allow it under" in other.get(page).text
    visit.agree(link_of(visit.allow()))
    text = client.get(page).text
    assert "Allow it under" not in text
    assert "We could not see when you are busy" not in text
