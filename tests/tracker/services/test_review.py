"""Judging what is due, keeping what was said, and telling each verdict once."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as OrmSession

from tests.tracker.world import Duo, World, agreement, full, instant, make_duo, single, unchanged
from tracker.errors import ConnectorError
from tracker.ledger import Health, Ledger, Verdict, decode_ledger
from tracker.models import EvidenceMemo, LedgerRow, Pair, Statement, VerdictChange
from tracker.models import Session as SessionRow
from tracker.ports import Vault
from tracker.services.evidence import AgreementEvidence, load_evidence
from tracker.services.review import review, touch_pairs
from tracker.store import Store

# The first period of the agreement is 5 to 18 January, and closes three days after it.
CLOSES = "2026-01-22 00:00"
LOADER = "tracker.services.review.load_evidence"


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


def read_both(duo: Duo, at: str) -> None:
    for calendar in (duo.calendar, duo.other):
        duo.world.sync(calendar, full(), at)


def ledger(duo: Duo) -> Ledger:
    with duo.world.store.read() as db:
        return decode_ledger(db.scalars(select(LedgerRow)).one().document)


def pair(duo: Duo) -> Pair:
    with duo.world.store.read() as db:
        return db.get_one(Pair, duo.pair)


def changes(duo: Duo) -> list[tuple[str, datetime, str]]:
    with duo.world.store.read() as db:
        rows = db.scalars(select(VerdictChange).order_by(VerdictChange.id)).all()
    return [(f"{row.starts_on:%m-%d}", row.at, row.verdict) for row in rows]


def test_it_keeps_the_ledger_of_every_agreement(world: World) -> None:
    make_duo(world, agreement(ends="2026-03-01"), agreement(starts="2026-03-02"))

    report = review(world.store, instant("2026-02-01 08:00"))

    assert (report.pairs, report.agreements) == (1, 2)
    with world.store.read() as db:
        assert len(db.scalars(select(LedgerRow)).all()) == 2


def test_its_columns_are_the_ledgers(duo: Duo) -> None:
    read_both(duo, "2026-02-01 08:00")
    review(duo.world.store, instant("2026-02-01 09:00"))

    with duo.world.store.read() as db:
        row = db.scalars(select(LedgerRow)).one()
    judged = ledger(duo)

    assert (row.health, row.due, row.met, row.consecutive_missed) == ("at_risk", 1, 0, 1)
    assert (judged.health, judged.due, judged.met) == (Health.AT_RISK, 1, 0)
    assert row.judged_at == judged.now == instant("2026-02-01 09:00")


def test_a_pair_that_is_not_due_is_left_alone(duo: Duo) -> None:
    review(duo.world.store, instant("2026-02-01 08:00"))

    assert review(duo.world.store, instant("2026-02-01 08:00")).pairs == 0


def test_everyone_is_everyone(duo: Duo) -> None:
    review(duo.world.store, instant("2026-02-01 08:00"))

    assert review(duo.world.store, instant("2026-02-01 08:00"), everyone=True).pairs == 1


def test_a_change_makes_a_pair_due(duo: Duo) -> None:
    review(duo.world.store, instant("2026-02-01 08:00"))
    with duo.world.store.write() as db:
        touch_pairs(db, [duo.pair], instant("2026-02-01 09:00"))

    assert review(duo.world.store, instant("2026-02-01 09:00")).pairs == 1


def test_it_says_when_to_look_again(duo: Duo) -> None:
    review(duo.world.store, instant("2026-02-01 08:00"))

    assert pair(duo).review_due_at == ledger(duo).next_review_at


def test_of_several_agreements_the_earliest_to_look_at_counts(world: World) -> None:
    duo = make_duo(world, agreement(ends="2026-03-01"), agreement(starts="2026-03-02"))
    review(world.store, instant("2026-02-01 08:00"))

    with world.store.read() as db:
        rows = db.scalars(select(LedgerRow).order_by(LedgerRow.agreement_id))
        first, second = (decode_ledger(row.document).next_review_at for row in rows)

    assert first is not None
    assert second is not None
    assert first < second
    assert pair(duo).review_due_at == first


def test_a_pair_that_changes_meanwhile_stays_due(duo: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    now = instant("2026-02-01 08:00")

    def meanwhile(db: OrmSession, pair_ids: list[int], *, from_memory: bool) -> list[AgreementEvidence]:
        known = load_evidence(db, pair_ids, from_memory=from_memory)
        monkeypatch.setattr(LOADER, load_evidence)
        with duo.world.store.write() as other:
            touch_pairs(other, [duo.pair], now)
        return known

    monkeypatch.setattr(LOADER, meanwhile)

    assert review(duo.world.store, now).pairs == 0
    assert pair(duo).review_due_at == now
    assert review(duo.world.store, now).pairs == 1


def test_what_closed_before_it_was_read_is_unknown_until_the_next_reading(duo: Duo) -> None:
    read_both(duo, "2026-01-21 23:00")
    review(duo.world.store, instant("2026-01-22 00:05"))
    assert ledger(duo).periods[0].verdict is Verdict.UNKNOWN
    assert pair(duo).awaits_reading

    duo.sync(unchanged(), "2026-01-22 00:30")
    review(duo.world.store, instant("2026-01-22 00:31"))
    assert ledger(duo).periods[0].verdict is Verdict.UNKNOWN

    duo.sync_other(unchanged(), "2026-01-22 00:45")
    review(duo.world.store, instant("2026-01-22 00:46"))
    assert ledger(duo).periods[0].verdict is Verdict.MISSED
    assert not pair(duo).awaits_reading


def test_a_failed_reading_makes_nothing_due(duo: Duo) -> None:
    read_both(duo, "2026-01-21 23:00")
    review(duo.world.store, instant("2026-01-22 00:05"))

    duo.sync(ConnectorError("no answer"), "2026-01-22 00:30")

    assert review(duo.world.store, instant("2026-01-22 00:31")).pairs == 0


def test_a_reading_of_a_pair_that_waits_for_none_makes_nothing_due(duo: Duo) -> None:
    read_both(duo, "2026-01-10 08:00")
    review(duo.world.store, instant("2026-01-10 08:01"))

    duo.sync(unchanged(), "2026-01-10 09:00")

    assert review(duo.world.store, instant("2026-01-10 09:01")).pairs == 0


def test_a_pair_whose_calendars_go_stale_is_looked_at_again(duo: Duo) -> None:
    read_both(duo, "2026-01-10 08:00")
    review(duo.world.store, instant("2026-01-10 08:01"))

    review(duo.world.store, instant("2026-01-13 08:00"))
    assert ledger(duo).health is Health.UNKNOWN

    duo.sync(unchanged(), "2026-01-13 09:00")
    duo.sync_other(unchanged(), "2026-01-13 09:00")
    review(duo.world.store, instant("2026-01-13 09:01"))
    assert ledger(duo).health is not Health.UNKNOWN


# --- remembering what was merged ---


def test_what_did_not_change_is_not_merged_again(duo: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    duo.sync(full(single("2026-01-14 10:00")), "2026-01-10 08:00")
    review(duo.world.store, instant("2026-01-10 09:00"))
    before = ledger(duo)

    monkeypatch.setattr("tracker.services.sessions.merge_meeting", None)
    review(duo.world.store, instant("2026-01-10 10:00"), everyone=True)

    assert ledger(duo).sessions == before.sessions != ()


def test_what_changed_is_merged_again(duo: Duo) -> None:
    duo.sync(full(single("2026-01-14 10:00")), "2026-01-10 08:00")
    review(duo.world.store, instant("2026-01-10 09:00"))

    duo.sync(full(single("2026-01-15 10:00")), "2026-01-10 10:00")
    review(duo.world.store, instant("2026-01-10 11:00"))

    assert ledger(duo).sessions[0].origin == instant("2026-01-14 10:00")
    assert ledger(duo).next_session == instant("2026-01-15 10:00")


def test_a_memo_of_other_code_is_worth_nothing(duo: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    duo.sync(full(single("2026-01-14 10:00")), "2026-01-10 08:00")
    review(duo.world.store, instant("2026-01-10 09:00"))
    with duo.world.store.write() as db:
        db.execute(update(EvidenceMemo).values(sessions=b"made by other code"))
    monkeypatch.setattr("tracker.services.memos._code", lambda: "newer")

    review(duo.world.store, instant("2026-01-10 10:00"), everyone=True)

    assert len(ledger(duo).sessions) == 1


# --- what became of each period ---


def test_what_a_first_review_finds_in_the_past_is_not_new(duo: Duo) -> None:
    read_both(duo, "2026-03-01 08:00")

    review(duo.world.store, instant("2026-03-01 09:00"))

    assert changes(duo) == [
        ("01-05", instant(CLOSES), "missed"),
        ("01-19", instant("2026-02-05 00:00"), "missed"),
        ("02-02", instant("2026-02-19 00:00"), "missed"),
    ]


def test_what_comes_to_light_late_is_new_then(duo: Duo) -> None:
    read_both(duo, "2026-01-20 08:00")
    review(duo.world.store, instant("2026-01-20 09:00"))
    review(duo.world.store, instant("2026-02-03 09:00"))
    read_both(duo, "2026-02-04 08:00")

    review(duo.world.store, instant("2026-02-04 09:00"))

    assert changes(duo) == [
        ("01-05", instant("2026-02-03 09:00"), "unknown"),
        ("01-05", instant("2026-02-04 09:00"), "missed"),
    ]


def test_a_verdict_is_told_once(duo: Duo) -> None:
    read_both(duo, "2026-02-01 08:00")
    for minute in range(3):
        review(duo.world.store, instant(f"2026-02-01 09:0{minute}"), everyone=True)

    assert len(changes(duo)) == 1


def test_planned_and_open_are_not_told(duo: Duo) -> None:
    read_both(duo, "2026-01-06 08:00")
    review(duo.world.store, instant("2026-01-06 09:00"))
    duo.sync(full(single("2026-01-14 10:00")), "2026-01-07 08:00")
    review(duo.world.store, instant("2026-01-07 09:00"))

    assert ledger(duo).periods[0].verdict is Verdict.PLANNED
    assert changes(duo) == []


def test_what_was_said_and_is_taken_back_is_told(duo: Duo) -> None:
    duo.sync(full(single("2026-01-14 10:00")), "2026-01-15 08:00")
    duo.sync_other(full(), "2026-01-15 08:00")
    with duo.world.store.write() as db:
        session = db.scalars(select(SessionRow)).one()
        for side in ("mentor", "mentee"):
            session.statements.append(
                Statement(side=side, at=instant("2026-01-15 09:00"), held=True, via="site")
            )
    review(duo.world.store, instant("2026-01-15 10:00"))
    with duo.world.store.write() as db:
        db.execute(delete(Statement))
        touch_pairs(db, [duo.pair], instant("2026-01-15 11:00"))

    review(duo.world.store, instant("2026-01-15 11:00"))
    review(duo.world.store, instant("2026-01-15 12:00"), everyone=True)

    assert [(verdict, at) for _, at, verdict in changes(duo)] == [
        ("met", instant("2026-01-15 10:00")),
        ("planned", instant("2026-01-15 11:00")),
    ]


def test_it_tells_how_far_it_is(duo: Duo) -> None:
    seen: list[tuple[int, int]] = []

    review(
        duo.world.store,
        instant("2026-02-01 08:00"),
        on_progress=lambda done, total: seen.append((done, total)),
    )

    assert seen == [(1, 1)]
