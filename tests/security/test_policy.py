"""Every endpoint, every role, every kind of object: a second declaration of who may come in, tried for real.

An endpoint that is missing here, or in web.policy, fails; so does one that is declared and gone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from tests.web.company import Company, Duo, utc
from tracker.events import Window
from tracker.models import Copy, Goal, Milestone, Pair, Person
from tracker.services.absences import Days, add_pause
from tracker.services.audit import Act
from tracker.services.bookings import book
from web import policy

Enter = Callable[[Person], FlaskClient]

EVERYBODY = {"anonymous", "member", "other", "hr", "admin"}
SIGNED_IN = EVERYBODY - {"anonymous"}
HR = {"hr", "admin"}
# Who may come in, for the member's own pair ("own") and for the pair of the other one ("foreign").
MEMBERS = {"own": {"member"}, "foreign": {"other"}}
READERS = {"own": {"member", *HR}, "foreign": {"other", *HR}}
OUTSIDE_HR = {"own": HR, "foreign": HR}

EXPECTED: dict[str, dict[str, set[str]] | set[str]] = {
    "static": EVERYBODY,
    "bootstrap.static": EVERYBODY,
    "home.index": EVERYBODY,
    "home.live": EVERYBODY,
    "watching.ready": EVERYBODY,
    "watching.health": EVERYBODY,
    "watching.metrics": EVERYBODY,
    "home.favicon": EVERYBODY,
    "home.choose_language": EVERYBODY,
    "auth.ask": EVERYBODY,
    "auth.sent": EVERYBODY,
    "auth.link": EVERYBODY,
    "auth.use": EVERYBODY,
    "auth.leave": EVERYBODY,
    "letters.show": EVERYBODY,
    "letters.act": EVERYBODY,
    "hooks.google": EVERYBODY,
    "hooks.outlook": EVERYBODY,
    "unsubscribe.ask": EVERYBODY,
    "unsubscribe.stop": EVERYBODY,
    "unsubscribe.undo": EVERYBODY,
    "pairs.mine": SIGNED_IN,
    "pairs.show": READERS,
    "pairs.confirm": MEMBERS,
    "pairs.withdraw": MEMBERS,
    "pairs.tell": MEMBERS,
    "pairs.remark": MEMBERS,
    "dates.find": MEMBERS,
    "dates.move": MEMBERS,
    "dates.move_session": MEMBERS,
    "dates.drop": MEMBERS,
    "dates.drop_session": MEMBERS,
    "dates.again": MEMBERS,
    "away.days": MEMBERS,
    "away.remove": MEMBERS,
    "questions.suggested": MEMBERS,
    "questions.vanished": MEMBERS,
    "questions.twins": MEMBERS,
    "questions.which_pair": MEMBERS,  # here: on whose calendar the entry is
    "goals.add": MEMBERS,
    "goals.change": MEMBERS,
    "goals.delete": MEMBERS,
    "goals.add_step": MEMBERS,
    "goals.tick": MEMBERS,
    "goals.delete_step": MEMBERS,
    "calendars.mine": SIGNED_IN,
    "calendars.begin": SIGNED_IN,
    "calendars.back": SIGNED_IN,
    "calendars.feed": SIGNED_IN,
    "calendars.mailbox": SIGNED_IN,
    "calendars.address": MEMBERS,  # here: whose calendar it is
    "calendars.allow": MEMBERS,
    "calendars.days_away": MEMBERS,
    "calendars.accept": MEMBERS,
    "calendars.disconnect": MEMBERS,
    "hr.board": HR,
    "hr.download": HR,
    "hr.record": OUTSIDE_HR,
    "hr.take_back": OUTSIDE_HR,
}
MISSING = 2**31 - 1


@dataclass(frozen=True)
class Things:
    """The numbers that stand in addresses."""

    own: dict[str, int]
    foreign: dict[str, int]

    def values(self, kind: str) -> dict[str, int]:
        """The numbers of one kind; "crossed": the own pair with things of the foreign one."""
        if kind == "missing":
            return dict.fromkeys(self.own, MISSING)
        if kind == "crossed":
            return {**self.foreign, "pair_id": self.own["pair_id"]}
        return self.own if kind == "own" else self.foreign


def things_of(company: Company, duo: Duo) -> dict[str, int]:
    session = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))
    goal = Goal(what="Goal", created_by=duo.mentor.id, created_at=company.now, updated_at=company.now)
    goal.pair_id, goal.milestones = duo.pair.id, [Milestone(what="Step")]
    with company.ports.store.write() as db:
        db.add(goal)
        copy = db.scalars(select(Copy.id).where(Copy.calendar_id == duo.calendars[0].id)).one()
        slot = Window(company.now + timedelta(days=2), company.now + timedelta(days=2, hours=1))
        booking = book(db, company.ports.settings.keys, duo.pair.id, slot, Act(None, "site", company.now))
        days = Days(company.now.date(), company.now.date())
        absence = add_pause(db, db.get_one(Pair, duo.pair.id), days, Act(None, "site", company.now))
    return {
        "pair_id": duo.pair.id,
        "agreement_id": duo.pair.agreements[0].id,
        "session_id": session.id,
        "goal_id": goal.id,
        "step_id": goal.milestones[0].id,
        "copy_id": copy,
        "booking_id": booking.id,
        "absence_id": absence.id,
        "calendar_id": duo.calendars[0].id,
    }


@dataclass(frozen=True)
class World:
    """Two pairs that know nothing of each other, and somebody in every role."""

    app: Flask
    things: Things
    clients: dict[str, FlaskClient]


@pytest.fixture
def world(company: Company, duo: Duo, app: Flask, enter: Enter) -> World:
    other = company.duo("Leo Mar", "Pia Luz")
    things = Things(things_of(company, duo), things_of(company, other))
    company.review()
    people = {
        "member": duo.mentor,
        "other": other.mentor,
        "hr": company.person("Marta Gil", is_hr=True),
        "admin": company.person("Ada Min", is_admin=True),
    }
    clients = {role: enter(person) for role, person in people.items()}
    return World(app, things, {"anonymous": app.test_client(), **clients})


def rules_of(app: Flask, endpoint: str) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules(endpoint):
        yield from ((rule, method) for method in (rule.methods or set()) & {"GET", "POST"})


def address_of(app: Flask, rule: Rule, numbers: dict[str, int]) -> str:
    others = {
        "filename": "cadencia.css" if rule.endpoint == "static" else "css/bootstrap.min.css",
        "token": "x.y",
        "provider": "google",
        "name": "0" * 32,
    }
    with app.test_request_context():
        values: dict[str, Any] = {name: {**numbers, **others}[name] for name in rule.arguments}
        return app.url_for(rule.endpoint, **values)


def outcome(client: FlaskClient, address: str, method: str) -> str:
    # A post comes without its token: whoever is let in as far as the form is told that it is stale (400).
    answer = client.open(address, method=method)
    answer.close()
    if answer.status_code == 404:
        return "not there"
    to_door = answer.status_code in (302, 303) and answer.location.startswith("/sign-in")
    return "to the door" if to_door else "in"


def expected(endpoint: str, role: str, kind: str) -> str:
    allowed = EXPECTED[endpoint]
    who = allowed if isinstance(allowed, set) else allowed.get(kind, set())
    if role in who:
        return "in"
    return "to the door" if role == "anonymous" else "not there"


def test_every_endpoint_is_declared_here_and_in_the_policy(app: Flask) -> None:
    served = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert served == set(EXPECTED) == set(policy.ENDPOINTS)


@pytest.mark.parametrize("endpoint", sorted(set(EXPECTED) - {"home.index"}))
def test_who_may_come_in(world: World, endpoint: str) -> None:
    wrong = []
    for rule, method in rules_of(world.app, endpoint):
        kinds = ["own", "foreign", "missing"] if rule.arguments & world.things.own.keys() else ["own"]
        if len(rule.arguments & world.things.own.keys()) > 1:
            kinds.append("crossed")
        for (role, client), kind in product(world.clients.items(), kinds):
            address = address_of(world.app, rule, world.things.values(kind))
            got, wanted = outcome(client, address, method), expected(endpoint, role, kind)
            if got != wanted:
                wrong.append(f"{method} {address} as {role}: {got}, not {wanted}")
    assert wrong == []


def test_the_start_page_sends_everybody_somewhere_else(world: World) -> None:
    places = {role: client.get("/").location for role, client in world.clients.items()}
    own, foreign = world.things.own["pair_id"], world.things.foreign["pair_id"]
    assert places == {
        "anonymous": "/sign-in",
        "member": f"/pairs/{own}",
        "other": f"/pairs/{foreign}",
        "hr": "/hr",
        "admin": "/hr",
    }


def test_what_is_not_declared_is_denied(company: Company) -> None:
    app = company.app()
    app.testing = True
    app.add_url_rule("/forgotten", "forgotten", lambda: "wide open")
    client = company.sign_in(app.test_client(), company.person("Eva Gil", is_hr=True, is_admin=True))
    assert client.get("/forgotten").status_code == 404


def test_hr_does_not_speak_for_the_own_partner(company: Company, enter: Enter) -> None:
    hr = company.person("Marta Gil", is_hr=True)
    partner = company.person("Luis Pérez")
    pair = company.pair(company.program(), hr, partner)
    session = company.meeting(pair, [company.calendar(hr)], (utc("11-01"), utc("11-17"), "confirmed"))
    client = enter(hr)
    assert outcome(client, f"/hr/pairs/{pair.id}/sessions/{session.id}/record", "POST") == "not there"
    assert outcome(client, f"/pairs/{pair.id}/sessions/{session.id}/answer", "POST") == "in"


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "99999999999999999999", "1e3", "½", "1%00"])
def test_a_number_that_no_row_has_is_no_address(
    company: Company, duo: Duo, enter: Enter, number: str
) -> None:
    assert enter(duo.mentor).get(f"/pairs/{number}").status_code == 404


def test_a_role_that_was_taken_away_is_gone_at_once(company: Company, enter: Enter) -> None:
    hr = company.person("Marta Gil", is_hr=True)
    client = enter(hr)
    assert client.get("/hr").status_code == 200
    with company.ports.store.write() as db:
        db.get_one(Person, hr.id).is_hr = False
    assert client.get("/hr").status_code == 404
