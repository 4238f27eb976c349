"""Erasing a person: nothing of them is found any more, and what was judged stays judged."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.tracker.world import World
from tracker.events import CopyRole, EventKind, EventStatus, TagRule
from tracker.models import (
    Agreement,
    Attendance,
    AuditEntry,
    Base,
    Calendar,
    CalendarStatus,
    ConsentFlow,
    Copy,
    CopyObservation,
    Credential,
    EndpointEvent,
    EndpointKind,
    Goal,
    LedgerRow,
    Milestone,
    OutboxMail,
    OutboxState,
    Pair,
    Person,
    PersonAddress,
    Provider,
    Session,
    Statement,
    VerdictChange,
)
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.endpoint_events import Event, enqueue_event
from tracker.services.endpoints import NewEndpoint, add_endpoint
from tracker.services.erasing import Erased, erase_person
from tracker.services.inventory import INVENTORY
from tracker.services.resealing import reseal
from tracker.services.review import review
from tracker.store import Store

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
ACT = Act(None, "command", NOW)
MARK = "xyzzy"  # stands wherever something of the person stands


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    """Ana, of whom everything that can be known is known, and Ben."""
    world = World(store, vault)
    ana, ben = world.person(f"ana.{MARK}@example.com"), world.person("ben@example.com")
    pair = world.pair(world.program(), ana, ben)
    with store.write() as db:
        person = db.get_one(Person, ana)
        person.name, person.department, person.manager = f"Ana {MARK}", MARK, f"{MARK}@example.com"
        person.addresses = [PersonAddress(email=f"a.{MARK}@example.com")]
        db.get_one(Person, ben).manager = person.email
        calendar = Calendar(
            person_id=ana,
            provider=Provider.ICAL,
            fingerprint=MARK,
            connected_at=NOW - timedelta(days=60),
            last_read_at=NOW - timedelta(hours=1),
            set_aside=[{"place": MARK}],
        )
        calendar.address = vault.seal(f"https://{MARK}", calendar.address_binding)
        calendar.cursor = vault.seal(MARK, calendar.cursor_binding)
        db.add(calendar)
        db.flush()
        db.add_all(_evidence(pair, ana, calendar.id))
        db.add_all(_words(pair, ana))
    review(store, NOW, everyone=True)
    return world


def _evidence(pair: int, ana: int, calendar_id: int) -> list[Base]:
    start = datetime(2026, 1, 14, 10, tzinfo=UTC)
    end = start + timedelta(hours=1)
    copy = Copy(
        calendar_id=calendar_id,
        provider_event_id=MARK,
        slot="s",
        lineage="l",
        slot_at=start,
        kind=EventKind.SINGLE,
        role=CopyRole.ORGANISER,
        tag_rule=TagRule.MARKER,
        organiser_id=ana,
        version="1",
        status=EventStatus.CONFIRMED,
        starts_at=start,
        ends_at=end,
        conference=f"meet/{MARK}",
        reference=MARK,
    )
    seen = {"at": start, "sure_from": start, "seen_at": start, "starts_at": start, "ends_at": end}
    copy.observations = [CopyObservation(status=EventStatus.CONFIRMED, responses={}, **seen)]
    session = Session(pair_id=pair, starts_at=start, ends_at=end, created_at=start, told_by=ana)
    session.statements = [
        Statement(side="mentor", at=end, held=True, entered_by=ana, via="site"),
        Statement(side="mentee", at=end, held=True, via="command"),
    ]
    session.attendance = [Attendance(side="mentor", joined_at=start, left_at=end)]
    return [copy, session]


def _words(pair: int, ana: int) -> list[Base]:
    goal = Goal(pair_id=pair, what=MARK, why=MARK, created_by=ana, created_at=NOW, updated_at=NOW)
    goal.milestones = [Milestone(what=MARK)]
    consent: dict[str, Any] = {"provider": Provider.GOOGLE, "person_id": ana}
    return [
        goal,
        Credential(account=f"{MARK}@example.com", refresh_token=MARK, granted_at=NOW, **consent),
        ConsentFlow(state_hash=MARK, memory=MARK, expires_at=NOW, **consent),
        _mail(1, ana, OutboxState.SENT, f"{MARK}@example.com"),
        _mail(2, ana, OutboxState.QUEUED, f"{MARK}@example.com"),
        _mail(3, None, OutboxState.SENT, "hr@example.com"),
        _mail(4, None, OutboxState.FAILED, "hr@example.com"),
        AuditEntry(at=NOW, via="site", act="x", subject=f"person:{ana}", details={"email": MARK}),
    ]


def _mail(number: int, person_id: int | None, state: OutboxState, recipient: str) -> OutboxMail:
    return OutboxMail(
        dedupe_key=f"k{number}",
        kind="digest",
        person_id=person_id,
        sender="c@example.com",
        recipient=recipient,
        message_id=f"<{number}@x>",
        message=f"Dear {MARK}".encode(),
        state=state,
        due_at=NOW,
        created_at=NOW,
        last_error=recipient,
    )


def erase(world: World) -> Erased:
    with world.store.write() as db:
        return erase_person(db, world.vault, db.get_one(Person, 1), ACT)


def everything(world: World) -> str:
    """The whole database as text, with what is sealed opened."""
    with world.store.read() as db:
        rows = {t.name: [list(r) for r in db.execute(select(t))] for t in Base.metadata.sorted_tables}
        sealed = [
            world.vault.open(text, binding)
            for c in db.scalars(select(Calendar))
            for text, binding in ((c.address, c.address_binding), (c.cursor, c.cursor_binding))
            if text
        ]
    return json.dumps(rows, default=lambda v: v.decode("latin-1") if isinstance(v, bytes) else str(v)) + str(
        sealed
    )


def verdicts(world: World) -> list[tuple[date, str]]:
    with world.store.read() as db:
        rows = db.scalars(select(VerdictChange).order_by(VerdictChange.id)).all()
        ledgers = db.scalars(select(LedgerRow)).all()
    assert ledgers
    return [(row.starts_on, row.verdict) for row in rows]


def test_nothing_of_the_person_is_left(world: World) -> None:
    assert everything(world).count(MARK) > 15
    assert erase(world) == Erased(pairs=1, calendars=1, consents=1)
    assert MARK not in everything(world)


def test_what_was_judged_stays_judged(world: World) -> None:
    before = verdicts(world)
    assert "met" in {verdict for _, verdict in before}
    erase(world)
    review(world.store, NOW + timedelta(days=90), everyone=True)
    after = verdicts(world)
    assert after[: len(before)] == before
    assert "missed" not in {verdict for _, verdict in after[len(before) :]}


def test_the_pair_ends_and_the_calendar_is_read_no_more(world: World) -> None:
    erase(world)
    with world.store.read() as db:
        assert db.scalars(select(Agreement.ends_on)).all() == [NOW.date()]
        calendar = db.scalars(select(Calendar)).one()
        assert (calendar.status, calendar.next_read_at) == (CalendarStatus.DISCONNECTED, None)
        assert db.scalars(select(Pair)).one().review_due_at == NOW


def test_mail_to_the_person_that_waits_is_not_sent(world: World) -> None:
    erase(world)
    with world.store.read() as db:
        rows = db.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [(row.dedupe_key, row.recipient) for row in rows] == [
        ("k1", ""),
        ("k3", "hr@example.com"),
        ("k4", "hr@example.com"),
    ]


def test_events_that_name_the_person_do_not_leave_any_more(world: World) -> None:
    with world.store.write() as db:
        person = db.get_one(Person, 1)
        new = NewEndpoint("Mentoring", "hr", EndpointKind.WEBHOOK, "https://hr.example.com")
        endpoint, _ = add_endpoint(db, world.vault, new, ACT)
        for number, name in enumerate((person.email, "ben@example.com")):
            event = Event(EndpointEvent.VERDICT_CHANGED, str(number), {"mentor": name})
            enqueue_event(db, endpoint, event, NOW)
    erase(world)
    with world.store.read() as db:
        waiting = db.scalars(select(OutboxMail).where(OutboxMail.endpoint_id.is_not(None))).all()
    assert [json.loads(row.message)["data"]["mentor"] for row in waiting] == ["ben@example.com"]


def test_the_other_one_is_as_before(world: World) -> None:
    erase(world)
    with world.store.read() as db:
        ben = db.get_one(Person, 2)
    assert (ben.email, ben.name, ben.is_erased) == ("ben@example.com", "ben", False)


def test_it_is_noted_and_may_be_done_twice(world: World) -> None:
    for _ in range(2):
        erase(world)
    with world.store.read() as db:
        acts = db.scalars(select(AuditEntry.act).where(AuditEntry.act == "person.erased")).all()
        assert db.get_one(Person, 1).is_erased
    assert len(acts) == 2


def test_keys_can_still_be_changed(world: World) -> None:
    erase(world)
    assert reseal(world.store, world.vault, ACT) > 0


def test_the_inventory_knows_every_column() -> None:
    columns = {t.name: {c.name for c in t.columns} for t in Base.metadata.sorted_tables}
    known = {table: set(fates) for table, fates in INVENTORY.items() if table != "alembic_version"}
    assert known == columns, "say in tracker/services/inventory.py what erasing a person does to it"
