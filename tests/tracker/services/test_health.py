"""How the installation is: figures and what they mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.tracker.world import World
from tracker.models import (
    Calendar,
    CalendarStatus,
    Endpoint,
    EndpointKind,
    Heartbeat,
    LanePause,
    OutboxMail,
    OutboxState,
    Pair,
    Provider,
)
from tracker.ports import Vault
from tracker.services.health import Vitals, find_ills, take_vitals
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    """A schedule that ticks, and nothing else."""
    world = World(store, vault)
    with store.write() as db:
        db.add(Heartbeat(name="reading", ticked_at=NOW - MINUTE, ended_at=NOW - MINUTE))
    return world


def vitals(world: World) -> Vitals:
    with world.store.read() as db:
        return take_vitals(db, NOW)


def ills(world: World) -> list[str]:
    return find_ills(vitals(world))


def add(world: World, *rows: object) -> None:
    with world.store.write() as db:
        db.add_all(rows)


def mail(number: int, state: OutboxState, due_at: datetime, sent_at: datetime | None = None) -> OutboxMail:
    return OutboxMail(
        dedupe_key=f"k{number}",
        kind="digest",
        sender="a@example.com",
        recipient="b@example.com",
        message_id=f"<{number}@x>",
        message=b"",
        state=state,
        due_at=due_at,
        created_at=due_at,
        sent_at=sent_at,
    )


def endpoint(world: World) -> int:
    row = Endpoint(program_id=world.program(), name="crm", kind=EndpointKind.WEBHOOK, url="x", events=[])
    row.told_until = row.created_at = NOW
    add(world, row)
    return row.id


def calendar(person_id: int, number: int, **columns: object) -> Calendar:
    values = {"connected_at": NOW, "provider": Provider.ICAL, "address": "x", **columns}
    return Calendar(person_id=person_id, fingerprint=str(number), **values)


def test_a_schedule_that_ticks_is_well(world: World) -> None:
    assert ills(world) == []


def test_a_schedule_that_stands_still_is_not(world: World, store: Store) -> None:
    with store.write() as db:
        db.get_one(Heartbeat, "reading").ticked_at = NOW - 6 * MINUTE
    assert ills(world) == ["the schedule stands still"]


def test_an_empty_database_never_ticked(store: Store) -> None:
    with store.read() as db:
        assert find_ills(take_vitals(db, NOW)) == ["the schedule stands still"]


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        ({"ended_at": NOW - 14 * MINUTE}, []),
        ({"ended_at": NOW - 16 * MINUTE}, ["nobody does the work: is `cadencia worker` running?"]),
        ({"ended_at": NOW - 3 * HOUR, "failed_at": NOW - MINUTE, "failures": 1}, []),
    ],
)
def test_turns_that_nobody_takes_are_noticed(store: Store, signs: dict[str, Any], said: list[str]) -> None:
    with store.write() as db:
        db.add(Heartbeat(name="bookings", ticked_at=NOW, **signs))
        db.add(Heartbeat(name="digests", ticked_at=NOW - MINUTE))
    with store.read() as db:
        assert find_ills(take_vitals(db, NOW)) == said


@pytest.mark.parametrize(("hours", "is_idle"), [(0, False), (1, True)])
def test_turns_that_nobody_ever_took_are_noticed(store: Store, hours: int, is_idle: bool) -> None:
    # A queue that is full gets no more of them, so some turns are old by then.
    with store.write() as db:
        db.add(Heartbeat(name="bookings", ticked_at=NOW - hours * HOUR))
        db.add(Heartbeat(name="digests", ticked_at=NOW))
    with store.read() as db:
        assert (take_vitals(db, NOW).idle_since is not None) is is_idle


@pytest.mark.parametrize(
    ("failures", "said"), [(2, []), (3, ["the job digests failed 3 times in a row (E)"])]
)
def test_a_job_that_fails_again_and_again_is_named(world: World, failures: int, said: list[str]) -> None:
    add(world, Heartbeat(name="digests", ticked_at=NOW, failures=failures, error="E"))
    assert ills(world) == said


def test_late_mail_is_noticed(world: World) -> None:
    add(world, mail(1, OutboxState.QUEUED, NOW - 31 * MINUTE))
    assert ills(world) == ["mail is late"]
    assert vitals(world).outbox.waiting == 1


def test_mail_that_is_put_off_again_and_again_is_late(world: World) -> None:
    row = mail(1, OutboxState.RETRY, NOW + HOUR)
    row.created_at, row.attempts = NOW - 5 * HOUR, 4
    add(world, row, mail(2, OutboxState.SENT, NOW - 6 * HOUR, NOW - 6 * HOUR))
    assert ills(world) == ["mail is late"]
    assert vitals(world).outbox.mail_since == NOW - 5 * HOUR


def test_mail_that_one_full_mailbox_puts_off_wakes_nobody(world: World) -> None:
    row = mail(1, OutboxState.RETRY, NOW + HOUR)
    row.created_at, row.attempts = NOW - 5 * HOUR, 4
    add(world, row, mail(2, OutboxState.SENT, NOW - 2 * HOUR, NOW - 2 * HOUR))
    assert ills(world) == []
    assert vitals(world).outbox.mail_since == NOW - 5 * HOUR  # the figure says so all the same


def test_mail_on_which_process_after_process_dies_is_late(world: World) -> None:
    row = mail(1, OutboxState.INFLIGHT, NOW - 5 * HOUR)
    row.leased_until, row.attempts = NOW + MINUTE, 3
    add(world, row)
    assert ills(world) == ["mail is late"]


def test_an_event_that_its_endpoint_refuses_is_no_late_mail(world: World) -> None:
    event = mail(1, OutboxState.RETRY, NOW - 5 * HOUR)
    event.endpoint_id = endpoint(world)
    add(world, event)
    assert ills(world) == []
    seen = vitals(world).outbox
    assert (seen.mail_since, seen.event_since) == (None, NOW - 5 * HOUR)


def test_a_mail_server_out_of_reach_is_noticed_while_it_is(world: World) -> None:
    add(world, LanePause(lane="mail", until=NOW + MINUTE, reason="no answer"))
    add(world, LanePause(lane="endpoint:1", until=NOW + MINUTE, reason="no answer"))
    add(world, LanePause(lane="endpoint:2", until=NOW - MINUTE, reason="no answer"))
    assert ills(world) == ["the mail server is out of reach"]
    assert vitals(world).outbox.paused == ("endpoint:1", "mail")


def test_a_dead_letter_is_counted_and_wakes_nobody(world: World) -> None:
    add(world, mail(1, OutboxState.FAILED, NOW - 9 * HOUR))
    assert (vitals(world).outbox.dead, ills(world)) == (1, [])


def test_how_long_mail_takes_is_told_of_the_last_hour(world: World) -> None:
    for number in range(21):
        sent_at = NOW - 30 * MINUTE
        add(world, mail(number, OutboxState.SENT, sent_at - timedelta(seconds=number), sent_at))
    add(world, mail(99, OutboxState.SENT, NOW - 9 * HOUR, NOW - 2 * HOUR))
    assert vitals(world).outbox.dwell_s == (10, 19, 20)


def test_how_long_mail_took_counts_from_when_it_was_put_there(world: World) -> None:
    late = mail(1, OutboxState.SENT, NOW - MINUTE, NOW)
    late.created_at = NOW - 3 * HOUR
    event = mail(2, OutboxState.SENT, NOW - 9 * HOUR, NOW)
    event.endpoint_id = endpoint(world)
    add(world, late, event)
    assert vitals(world).outbox.dwell_s == (10_800,) * 3


def test_calendars_are_told_by_age_and_trouble(world: World) -> None:
    ana = world.person("ana@example.com")
    add(
        world,
        calendar(ana, 1, last_read_at=NOW - MINUTE, next_read_at=NOW + MINUTE),
        calendar(ana, 2, last_read_at=NOW - 5 * HOUR, next_read_at=NOW - 2 * HOUR, problem="unreachable"),
        calendar(ana, 3, last_read_at=NOW - 96 * HOUR, problem="reconnect"),
        calendar(ana, 4),
        calendar(ana, 5, status=CalendarStatus.DISCONNECTED, problem="reconnect"),
    )
    seen = vitals(world).calendars
    assert (seen.connected, seen.read_within, seen.never_read, seen.stale) == (4, (1, 2, 2, 2), 1, 2)
    assert seen.problems == {"unreachable": 1, "reconnect": 1}
    assert seen.oldest_read_at == NOW - 96 * HOUR
    assert ills(world) == ["the reading of calendars is behind"]


def test_pairs_that_nobody_judges_are_noticed(world: World) -> None:
    pair = world.pair(world.program(), world.person("ana@example.com"), world.person("ben@example.com"))
    with world.store.write() as db:
        db.get_one(Pair, pair).review_due_at = NOW - 2 * HOUR
    assert (vitals(world).pairs_due, ills(world)) == (1, ["the judging of pairs is behind"])
