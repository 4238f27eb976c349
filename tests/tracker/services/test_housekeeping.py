"""What is too old goes, in portions; what a verdict rests on stays."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.tracker.world import World, agreement
from tracker.models import (
    AuditEntry,
    Base,
    EvidenceMemo,
    Heartbeat,
    Invitation,
    InvitationPerson,
    LanePause,
    Mailbox,
    OutboxMail,
    OutboxState,
    VerdictChange,
)
from tracker.ports import Vault
from tracker.services import housekeeping
from tracker.services.housekeeping import RETENTION, tidy
from tracker.store import Store

NOW = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


def mail(number: int, state: OutboxState, days: int) -> OutboxMail:
    at = NOW - days * DAY
    return OutboxMail(
        dedupe_key=f"k{number}",
        kind="digest",
        sender="a@example.com",
        recipient="b@example.com",
        message_id=f"<{number}@x>",
        message=b"text",
        state=state,
        due_at=at,
        created_at=at,
        sent_at=at if state is OutboxState.SENT else None,
    )


def put(world: World, *rows: Base) -> None:
    with world.store.write() as db:
        db.add_all(rows)


def texts(world: World) -> dict[str, bytes]:
    with world.store.read() as db:
        return {row.dedupe_key: row.message for row in db.scalars(select(OutboxMail))}


def test_a_sent_mail_loses_its_text_and_keeps_its_key(world: World) -> None:
    put(world, mail(1, OutboxState.SENT, 31), mail(2, OutboxState.SENT, 29), mail(3, OutboxState.FAILED, 31))
    assert tidy(world.store, NOW).counts == {"texts of mails that were sent": 1}
    assert texts(world) == {"k1": b"", "k2": b"text", "k3": b"text"}
    assert tidy(world.store, NOW).counts == {}


def test_mail_that_waits_is_never_touched(world: World) -> None:
    waiting = (OutboxState.QUEUED, OutboxState.RETRY, OutboxState.INFLIGHT)
    put(world, *(mail(number, state, 900) for number, state in enumerate(waiting)))
    tidy(world.store, NOW)
    assert set(texts(world).values()) == {b"text"}


def test_very_old_mail_goes_altogether(world: World) -> None:
    put(
        world,
        mail(1, OutboxState.SENT, 401),
        mail(2, OutboxState.FAILED, 401),
        mail(3, OutboxState.SENT, 399),
    )
    tidy(world.store, NOW)
    assert texts(world) == {"k3": b""}


def test_it_takes_portions_and_says_when_there_is_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    monkeypatch.setattr(housekeeping, "MOST_BATCHES", 2)
    put(world, *(AuditEntry(at=NOW - 800 * DAY, via="site", act="a", subject="s") for _ in range(5)))
    first, second = tidy(world.store, NOW), tidy(world.store, NOW)
    assert (first.counts, first.has_more) == ({"the audit trail": 4}, True)
    assert (second.counts, second.has_more) == ({"the audit trail": 1}, False)


def test_small_things_that_nobody_needs_go(world: World) -> None:
    put(
        world,
        LanePause(lane="mail", until=NOW - 31 * DAY, reason="x"),
        LanePause(lane="endpoint:1", until=NOW - DAY, reason="x"),
        Heartbeat(name="gone", ticked_at=NOW - 31 * DAY),
        Heartbeat(name="reading", ticked_at=NOW),
    )
    assert tidy(world.store, NOW).counts == {"pauses": 1, "jobs that are no more": 1}


@pytest.mark.parametrize(("ended_days_ago", "left"), [(0, 1), (399, 1), (401, 0)])
def test_an_invitation_stays_while_sessions_of_a_pair_are_known_by_it(
    world: World, ended_days_ago: int, left: int
) -> None:
    ana = world.person("ana@example.com")
    term = agreement(starts="2020-01-06", ends=(NOW - ended_days_ago * DAY).date().isoformat())
    world.pair(world.program(), ana, world.person("ben@example.com"), term)
    with world.store.write() as db:
        mailbox = Mailbox(fingerprint="f", last_uid=1)
        db.add(mailbox)
        db.flush()
        weekly = Invitation(
            mailbox_id=mailbox.id, dedupe_key="k", uid="u", method="request", content="x",
            received_at=NOW - 700 * DAY,
        )  # fmt: skip
        db.add(weekly)
        db.flush()
        db.add(InvitationPerson(person_id=ana, invitation_id=weekly.id))
    tidy(world.store, NOW)
    with world.store.read() as db:
        assert db.scalar(select(func.count()).select_from(Invitation)) == left


def test_what_verdicts_rest_on_stays_and_working_copies_go(world: World) -> None:
    pair = world.pair(world.program(), world.person("ana@example.com"), world.person("ben@example.com"))
    assert pair
    change = VerdictChange(
        agreement_id=1, starts_on=date(2026, 2, 2), at=NOW - 480 * DAY, verdict="met", missed_by=[]
    )
    put(world, change, EvidenceMemo(agreement_id=1, stamp="x", sessions=b"[]"))
    assert tidy(world.store, NOW).counts == {"working copies of agreements that ended": 1}
    with world.store.read() as db:
        assert db.scalar(select(func.count()).select_from(VerdictChange)) == 1


def test_no_rule_touches_what_verdicts_rest_on() -> None:
    tables = {rule.key.class_.__tablename__ for rule in RETENTION}
    evidence = {
        "sessions",
        "copies",
        "observations",
        "statements",
        "attendance",
        "verdict_changes",
        "ledgers",
    }
    assert not tables & (evidence | {"people", "pairs", "agreements", "absences", "calendars"})
    assert agreement().ends_on < NOW.date()
