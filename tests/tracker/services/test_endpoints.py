"""What endpoints are told, when, and how often: once, and not before the pair had its time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from sqlalchemy import select

from tests.tracker.world import World
from tracker.errors import BadInput, ConnectorError
from tracker.manners import told_to_hr_from
from tracker.models import (
    Endpoint,
    EndpointEvent,
    EndpointKind,
    OutboxMail,
    OutboxState,
    Person,
    VerdictChange,
)
from tracker.ports import Delivery, Letter, Vault
from tracker.services import endpoint_events
from tracker.services.audit import Act
from tracker.services.digest.building import build_digest, find_programs, span_of
from tracker.services.digest.post import Post, enqueue_weekly_digests
from tracker.services.endpoint_events import tell_changes
from tracker.services.endpoints import (
    ROTATION_LASTS,
    NewEndpoint,
    add_endpoint,
    announce_digest,
    deliver_due,
    enqueue_test,
    find_endpoint,
    list_endpoints,
    remove_endpoint,
    rotate_secret,
)
from tracker.services.weeks import week_of
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
ACT = Act(None, "command", NOW)
TWO_DAYS = timedelta(days=2)
URL = "https://hr.example.com/hook"
SCHEMA = json.loads(Path("docs/webhooks.schema.json").read_text(encoding="utf-8"))


@dataclass
class FakeCourier:
    """Keeps what it is given; raises what `answer` returns for an address, if anything."""

    answer: Callable[[Delivery], Exception | None] = lambda _: None
    got: list[Delivery] = field(default_factory=list)

    def check(self, url: str) -> None:
        """Take everything."""

    def deliver(self, delivery: Delivery, now: datetime) -> None:
        """Take the event, or raise."""
        if error := self.answer(delivery):
            raise error
        self.got.append(delivery)


@dataclass
class Ports:
    """What delivering takes."""

    store: Store
    vault: Vault
    courier: FakeCourier = field(default_factory=FakeCourier)


class PlainWriter:
    """Writes nothing but the template's name and the language."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        return Letter(f"{template} {language}", "text", "html")


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    """A pair in the program `Mentoring`."""
    world = World(store, vault)
    program = world.program()
    world.pair(program, world.person("ana@example.com"), world.person("ben@example.com"))
    return world


@pytest.fixture
def ports(world: World) -> Ports:
    return Ports(world.store, world.vault)


def add(ports: Ports, name: str = "hr", kind: EndpointKind = EndpointKind.WEBHOOK) -> str | None:
    with ports.store.write() as db:
        return add_endpoint(db, ports.vault, NewEndpoint("Mentoring", name, kind, URL), ACT)[1]


def change(ports: Ports, at: datetime, verdict: str = "missed", starts_on: date = date(2026, 2, 2)) -> None:
    with ports.store.write() as db:
        db.add(VerdictChange(agreement_id=1, starts_on=starts_on, at=at, verdict=verdict, missed_by=[]))


def bodies(ports: Ports) -> list[dict[str, Any]]:
    with ports.store.read() as db:
        rows = db.scalars(
            select(OutboxMail).where(OutboxMail.endpoint_id.is_not(None)).order_by(OutboxMail.id)
        )
        said = [json.loads(row.message) for row in rows]
    for body in said:
        jsonschema.Draft202012Validator(SCHEMA).validate(body)
    return said


def verdicts(ports: Ports) -> list[str]:
    return [body["data"]["verdict"] for body in bodies(ports)]


# --- changes of verdicts ---


def test_a_change_is_told_once_it_has_stood_for_two_days(ports: Ports) -> None:
    add(ports)
    change(ports, NOW + timedelta(hours=1))
    assert tell_changes(ports.store, NOW + TWO_DAYS) == 0
    assert tell_changes(ports.store, NOW + TWO_DAYS + timedelta(hours=1)) == 1
    (body,) = bodies(ports)
    assert body["data"] == {
        "program": "Mentoring",
        "pair": "p-1",
        "mentor": "ana@example.com",
        "mentee": "ben@example.com",
        "period_starts_on": "2026-02-02",
        "verdict": "missed",
        "reason": None,
        "missed_by": [],
        "changed_at": "2026-03-02T10:00:00Z",
    }


def test_a_miss_that_came_to_light_at_the_weekend_is_told_when_hr_hears_of_it(ports: Ports) -> None:
    add(ports)
    change(ports, datetime(2026, 3, 6, 22, 0, tzinfo=UTC))  # Friday night: the two hear of it on Monday
    change(ports, datetime(2026, 3, 6, 23, 0, tzinfo=UTC), starts_on=date(2026, 2, 9))
    wednesday = told_to_hr_from(datetime(2026, 3, 6, 22, 0, tzinfo=UTC), "UTC")
    assert wednesday.weekday() == 2
    for early in (datetime(2026, 3, 9, 3, 0, tzinfo=UTC), wednesday - timedelta(minutes=1)):
        assert tell_changes(ports.store, early) == 0
    change(ports, wednesday - timedelta(hours=1), "met", date(2026, 2, 9))
    assert tell_changes(ports.store, wednesday) == 1
    assert tell_changes(ports.store, wednesday) == 0
    assert [body["data"]["period_starts_on"] for body in bodies(ports)] == ["2026-02-02"]


def test_a_miss_that_was_put_right_in_time_is_never_told(ports: Ports) -> None:
    add(ports)
    change(ports, NOW + timedelta(hours=1))
    change(ports, NOW + timedelta(hours=30), "met")
    tell_changes(ports.store, NOW + TWO_DAYS + timedelta(hours=2))
    assert verdicts(ports) == []
    tell_changes(ports.store, NOW + timedelta(days=9))
    assert verdicts(ports) == ["met"]


def test_a_change_is_told_once_however_often_and_late_one_looks(ports: Ports) -> None:
    add(ports)
    change(ports, NOW + timedelta(hours=1))
    for days in (3, 3, 13, 400):
        tell_changes(ports.store, NOW + timedelta(days=days))
    assert verdicts(ports) == ["missed"]


def test_what_was_before_the_endpoint_is_not_told(ports: Ports) -> None:
    change(ports, NOW - timedelta(hours=1))
    add(ports)
    tell_changes(ports.store, NOW + timedelta(days=9))
    change(ports, NOW - timedelta(days=40), starts_on=date(2026, 1, 5))  # what a first import finds
    tell_changes(ports.store, NOW + timedelta(days=10))
    assert verdicts(ports) == []


def test_many_changes_of_one_moment_are_all_told(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_events, "MOST_CHANGES", 3)
    add(ports)
    for day in range(1, 9):
        change(ports, NOW + timedelta(hours=1), starts_on=date(2026, 2, day))
    told = [tell_changes(ports.store, NOW + timedelta(days=3)) for _ in range(4)]
    assert told == [3, 3, 2, 0]


def test_two_who_look_at_once_tell_it_once(ports: Ports) -> None:
    add(ports)
    change(ports, NOW + timedelta(hours=1))
    later = NOW + timedelta(days=3)
    with ports.store.write() as db:
        endpoint = db.scalars(select(Endpoint)).one()
        before = (endpoint.told_until, endpoint.told_change_id)
    tell_changes(ports.store, later)
    with ports.store.write() as db:
        # As if the first had died before it noted how far it was, and its events were there all the same.
        endpoint = db.scalars(select(Endpoint)).one()
        endpoint.told_until, endpoint.told_change_id = before
    assert tell_changes(ports.store, later) == 0
    assert len(bodies(ports)) == 1


def test_another_program_hears_nothing(ports: Ports, world: World) -> None:
    world.program("Other")
    with ports.store.write() as db:
        new = NewEndpoint("Other", "hr", EndpointKind.WEBHOOK, URL)
        add_endpoint(db, ports.vault, new, ACT)
    change(ports, NOW + timedelta(hours=1))
    assert tell_changes(ports.store, NOW + timedelta(days=3)) == 0


def test_a_chat_is_told_of_no_verdict(ports: Ports) -> None:
    add(ports, kind=EndpointKind.SLACK)
    change(ports, NOW + timedelta(hours=1))
    assert tell_changes(ports.store, NOW + timedelta(days=3)) == 0
    wanted = NewEndpoint("Mentoring", "x", EndpointKind.TEAMS, URL, (EndpointEvent.VERDICT_CHANGED,))
    with pytest.raises(BadInput, match=r"digest\.ready"), ports.store.write() as db:
        add_endpoint(db, ports.vault, wanted, ACT)


# --- the digest ---


def test_a_digest_is_announced_once_without_names(ports: Ports) -> None:
    add(ports)
    add(ports, "chat", EndpointKind.TEAMS)
    for told in (2, 0):
        with ports.store.write() as db:
            (program,) = find_programs(db)
            span = span_of(db, program, week_of(date(2026, 2, 23)), NOW)
            assert span is not None
            digest = build_digest(db, program, span)
            assert announce_digest(db, PlainWriter(), digest, "https://c.example.com", NOW) == told
    said = bodies(ports)
    assert [body["data"]["text"] for body in said] == ["digest en", "digest en"]
    assert said[0]["data"]["link"] == "https://c.example.com/hr"
    assert "ana" not in json.dumps(said)


def test_the_weekly_digest_announces_itself(ports: Ports) -> None:
    add(ports, "chat", EndpointKind.SLACK)
    with ports.store.write() as db:
        db.add(Person(email="hr@example.com", name="Marta", is_hr=True, created_at=NOW))
    post = Post(PlainWriter(), "Cadencia <c@example.com>", "https://c.example.com")
    for _ in range(2):
        enqueue_weekly_digests(ports.store, post, NOW)
    assert [body["type"] for body in bodies(ports)] == ["digest.ready"]


# --- delivering ---


def _hello(ports: Ports, name: str = "hr", now: datetime = NOW) -> None:
    with ports.store.write() as db:
        enqueue_test(db, find_endpoint(db, "Mentoring", name), "https://c.example.com", now)


def test_an_event_is_delivered_once_with_its_secret(ports: Ports) -> None:
    secret = add(ports)
    _hello(ports)
    for _ in range(2):
        deliver_due(ports, NOW)
    (parcel,) = ports.courier.got
    assert (parcel.url, parcel.secrets, parcel.kind) == (URL, (secret,), "webhook")
    assert json.loads(parcel.body)["id"] == parcel.id


def test_an_endpoint_out_of_reach_holds_up_nobody_else(ports: Ports) -> None:
    add(ports, "dead", EndpointKind.SLACK)
    add(ports, "fine")
    for name in ("dead", "fine"):
        _hello(ports, name)
    ports.courier.answer = lambda d: (
        ConnectorError("no answer", retry_after_s=60) if d.kind == "slack" else None
    )
    report = deliver_due(ports, NOW)
    assert (report.sent, report.retried, report.stopped) == (1, 1, "no answer")
    with ports.store.read() as db:
        assert [bool(pause) for _, pause in list_endpoints(db)] == [True, False]
    ports.courier.answer = lambda _: None
    assert deliver_due(ports, NOW + timedelta(minutes=10)).sent == 1


def test_mail_goes_on_while_an_endpoint_waits(ports: Ports) -> None:
    add(ports)
    _hello(ports)
    ports.courier.answer = lambda _: ConnectorError("no answer", retry_after_s=60)
    deliver_due(ports, NOW)
    with ports.store.read() as db:
        rows = db.scalars(select(OutboxMail)).all()
    assert [row.state for row in rows] == [OutboxState.RETRY]


def test_the_old_secret_signs_for_a_day_more(ports: Ports) -> None:
    first = add(ports)
    with ports.store.write() as db:
        second = rotate_secret(db, ports.vault, find_endpoint(db, "Mentoring", "hr"), ACT)
    for moment, keys in ((NOW, (second, first)), (NOW + ROTATION_LASTS, (second,))):
        _hello(ports, now=moment)
        deliver_due(ports, moment)
        assert ports.courier.got[-1].secrets == keys


def test_what_is_removed_is_told_nothing_more(ports: Ports) -> None:
    add(ports)
    _hello(ports)
    with ports.store.write() as db:
        remove_endpoint(db, find_endpoint(db, "Mentoring", "hr"), ACT)
    deliver_due(ports, NOW)
    assert (ports.courier.got, bodies(ports)) == ([], [])


def test_nothing_of_an_endpoint_lies_open_in_the_database(ports: Ports) -> None:
    secret = add(ports)
    with ports.store.read() as db:
        endpoint = db.scalars(select(Endpoint)).one()
    kept = f"{endpoint.url} {endpoint.secret}"
    assert secret
    assert secret not in kept
    assert "hr.example.com" not in kept
