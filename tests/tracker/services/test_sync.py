"""Reading calendars: what a reading brings, what it leaves alone, and what it must never do."""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event as events
from sqlalchemy import func, select

from integrations.vault import fresh_key
from tests.tracker.world import (
    JANUARY,
    MENTEE,
    MENTOR,
    Duo,
    World,
    agreement,
    answer,
    as_attendee,
    cancel,
    delta,
    full,
    instant,
    make_duo,
    move,
    occurrence,
    series,
    single,
    unchanged,
)
from tracker.errors import AuthRevoked, ConnectorError, RateLimited, SyncTokenExpired
from tracker.events import Attendee, Pull, Response, SetAside, TagRule
from tracker.ledger import Side, Status
from tracker.models import (
    Agreement,
    Calendar,
    CalendarStatus,
    Copy,
    CopyObservation,
    Credential,
    Pair,
    Provider,
    Session,
)
from tracker.ports import Vault
from tracker.references import new_reference
from tracker.services import intake
from tracker.services.audit import Act
from tracker.services.connections import read_soon
from tracker.services.pulls import INTERNAL
from tracker.services.sync import Outcome, accept_removals, sync_all, sync_due
from tracker.settings import Settings
from tracker.store import Store

FIRST = "2026-02-01 08:00"
SECOND = "2026-02-02 08:00"


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


def statuses(duo: Duo) -> list[list[Status]]:
    return [[o.status for o in session.observations] for session in duo.evidence.sessions]


def starts(duo: Duo) -> list[list[str]]:
    return [[f"{o.starts_at:%m-%d %H}" for o in session.observations] for session in duo.evidence.sessions]


def row(world: World, calendar_id: int) -> Calendar:
    with world.store.read() as db:
        return db.get_one(Calendar, calendar_id)


def count(world: World, table: type) -> int:
    with world.store.read() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


# --- what a reading brings ---


def test_it_takes_in_a_first_reading(duo: Duo) -> None:
    result = duo.sync(full(*series("2026-02-09 10:00", 3)), FIRST)

    assert (result.outcome, result.intake.added) == (Outcome.READ, 3)
    assert starts(duo) == [["02-09 10"], ["02-16 10"], ["02-23 10"]]
    assert duo.evidence.sessions[0].observations[0].at == JANUARY


def test_it_takes_in_a_move(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(move(event, "2026-02-11 15:00", "2026-02-01 20:00")), SECOND)

    (session,) = duo.evidence.sessions
    assert [o.at for o in session.observations] == [JANUARY, instant("2026-02-01 20:00")]
    assert starts(duo) == [["02-09 10", "02-11 15"]]


def test_lists_show_where_a_session_is_now(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(move(event, "2026-02-11 15:00", "2026-02-01 20:00")), SECOND)

    with duo.world.store.read() as db:
        session = db.scalars(select(Session)).one()
    assert (session.starts_at, session.ends_at) == (instant("2026-02-11 15:00"), instant("2026-02-11 16:00"))


def test_it_takes_in_a_cancellation(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(cancel(event, "2026-02-01 20:00")), SECOND)

    assert statuses(duo) == [[Status.CONFIRMED, Status.CANCELLED]]
    assert duo.evidence.sessions[0].observations[-1].cancelled_by is Side.MENTOR


def test_it_takes_in_an_exception_of_a_series(duo: Duo) -> None:
    first, second = series("2026-02-09 10:00", 2)
    duo.sync(full(first, second), FIRST)

    duo.sync(delta(move(second, "2026-02-18 15:00", "2026-02-01 20:00")), SECOND)

    assert starts(duo) == [["02-09 10"], ["02-16 10", "02-18 15"]]


def test_it_takes_in_an_answer(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(answer(event, MENTEE, Response.DECLINED, "2026-02-01 20:00")), SECOND)

    assert [o.declined_by for o in duo.evidence.sessions[0].observations] == [(), (Side.MENTEE,)]


def test_the_same_again_changes_nothing(duo: Duo) -> None:
    listing = full(*series("2026-02-09 10:00", 3))
    duo.sync(listing, FIRST)
    before = duo.evidence.sessions

    result = duo.sync(listing, SECOND)

    assert (result.intake.added, result.intake.changed, result.intake.gone) == (0, 0, 0)
    assert duo.evidence.sessions == before


def test_a_doubled_delivery_is_one_session(duo: Duo) -> None:
    event = single("2026-02-09 10:00")

    duo.sync(full(event, event), FIRST)
    duo.sync(delta(event, event), SECOND)

    assert starts(duo) == [["02-09 10"]]


def test_a_delta_merges_and_never_replaces(duo: Duo) -> None:
    first, second = series("2026-02-09 10:00", 2)
    duo.sync(full(first, second), FIRST)

    duo.sync(delta(move(second, "2026-02-18 15:00", "2026-02-01 20:00")), SECOND)

    assert count(duo.world, Copy) == 2
    assert count(duo.world, CopyObservation) == 3


@pytest.mark.parametrize("is_listed", [False, True], ids=["says so", "lists all anew"])
def test_an_unchanged_calendar_costs_one_row(duo: Duo, *, is_listed: bool) -> None:
    listing = full(*series("2026-02-09 10:00", 3))
    duo.sync(listing, FIRST)
    written: list[int] = []

    def note(*call: object) -> None:
        cursor, statement = call[1], str(call[2])
        if not statement.startswith(("SELECT", "BEGIN")):
            written.append(cursor.rowcount)  # type: ignore[attr-defined]

    events.listen(duo.world.store.engine, "after_cursor_execute", note)
    result = duo.sync(listing if is_listed else unchanged(), SECOND)

    assert result.outcome is (Outcome.READ if is_listed else Outcome.UNCHANGED)
    assert sum(written) == 1
    assert row(duo.world, duo.calendar).last_read_at == instant(SECOND)


# --- which pair ---


def test_an_entry_that_names_nobody_belongs_to_the_only_pair(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00", attendees=(), organiser=None)), FIRST)

    assert starts(duo) == [["02-09 10"]]


def test_any_address_of_the_other_will_do(duo: Duo) -> None:
    from tracker.models import PersonAddress

    with duo.world.store.write() as db:
        db.add(PersonAddress(person_id=duo.mentee, email="ben@home.example"))

    duo.sync(full(single("2026-02-09 10:00", attendees=(Attendee("ben@home.example"),))), FIRST)

    with duo.world.store.read() as db:
        assert db.scalars(select(Copy)).one().people == sorted([duo.mentor, duo.mentee])


def test_an_entry_of_several_mentees_counts_for_each_pair(duo: Duo) -> None:
    third = duo.world.person("cleo@example.com")
    pair = duo.world.pair(duo.world.program("Other"), duo.mentor, third)
    attendees = (Attendee(MENTEE), Attendee("cleo@example.com"))

    duo.sync(full(single("2026-02-09 10:00", attendees=attendees)), FIRST)

    assert len(duo.evidence.sessions) == len(duo.world.evidence(pair).sessions) == 1


def test_an_entry_that_could_be_of_several_pairs_is_asked_about(duo: Duo) -> None:
    duo.world.pair(duo.world.program("Other"), duo.mentor, duo.world.person("cleo@example.com"))

    duo.sync(full(single("2026-02-09 10:00", attendees=())), FIRST)

    assert duo.evidence.sessions == ()
    with duo.world.store.read() as db:
        assert db.scalars(select(Copy)).one().asks_pair


def test_what_could_be_of_one_pair_only_is_not_asked_about_any_more(duo: Duo) -> None:
    cleo = duo.world.person("cleo@example.com")
    other = duo.world.pair(duo.world.program("Other"), duo.mentor, cleo)
    event = single("2026-02-09 10:00", attendees=())
    duo.sync(full(event), FIRST)
    with duo.world.store.write() as db:
        db.scalars(select(Agreement).where(Agreement.pair_id == other)).one().ends_on = date(2026, 2, 1)

    duo.sync(full(event), SECOND)

    assert len(duo.evidence.sessions) == 1


def test_whom_a_calendar_leaves_out_for_once_is_still_invited(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(replace(event, attendees=(), attendees_complete=False, version="short")), SECOND)

    assert statuses(duo) == [[Status.CONFIRMED]]


def test_a_slot_outside_the_term_is_no_session(duo: Duo) -> None:
    duo.sync(full(single("2026-01-04 10:00"), single("2026-06-29 10:00", uid="b@x")), FIRST)

    assert duo.evidence.sessions == ()
    assert count(duo.world, Copy) == 0


@pytest.mark.parametrize(
    ("slot", "now_at"), [("2026-06-26 10:00", "2026-07-02 10:00"), ("2026-07-03 10:00", "2026-06-26 10:00")]
)
def test_a_slot_that_moved_over_the_end_of_the_term_is_a_session(duo: Duo, slot: str, now_at: str) -> None:
    duo.sync(full(move(occurrence(slot), now_at, "2026-01-20 10:00")), FIRST)

    assert len(duo.evidence.sessions) == 1


def test_a_session_that_leaves_the_term_stays_known(duo: Duo) -> None:
    event = single("2026-06-26 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(move(event, "2026-07-02 10:00", "2026-02-01 20:00")), SECOND)

    assert starts(duo) == [["06-26 10", "07-02 10"]]


def test_the_term_is_counted_in_the_pairs_own_days(world: World) -> None:
    duo = make_duo(world, agreement(starts="2026-02-09", timezone="Pacific/Auckland"))

    duo.sync(full(single("2026-02-08 12:00"), single("2026-02-08 10:00", uid="b@x")), FIRST)

    assert starts(duo) == [["02-08 12"]]


def test_an_all_day_entry_is_the_pairs_own_day(world: World) -> None:
    duo = make_duo(world, agreement(timezone="America/Los_Angeles"))
    event = replace(single("2026-02-09 10:00"), start=date(2026, 2, 9), end=date(2026, 2, 10))

    duo.sync(full(event), FIRST)

    (session,) = duo.evidence.sessions
    assert session.observations[0].starts_at == instant("2026-02-09 08:00")
    assert session.observations[0].ends_at == instant("2026-02-10 08:00")


def test_nobody_elses_address_is_stored(duo: Duo) -> None:
    attendees = (Attendee(MENTEE), Attendee("stranger@elsewhere.example"))

    duo.sync(full(single("2026-02-09 10:00", attendees=attendees, organiser="boss@elsewhere.example")), FIRST)

    with duo.world.store.read() as db:
        copy = db.scalars(select(Copy)).one()
        assert copy.people == sorted([duo.mentor, duo.mentee])
        assert set(db.scalars(select(CopyObservation)).one().responses) == {str(duo.mentor), str(duo.mentee)}


def test_a_suggestion_is_no_evidence_until_the_pair_says_so(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00", tag_rule=TagRule.SUGGESTED)), FIRST)

    assert duo.evidence.sessions == ()
    assert count(duo.world, Session) == 1


def test_a_suggestion_that_is_tagged_later_counts(duo: Duo) -> None:
    event = single("2026-02-09 10:00", tag_rule=TagRule.SUGGESTED)
    duo.sync(full(event), FIRST)

    duo.sync(delta(replace(event, tag_rule=TagRule.MARKER, version="tagged")), SECOND)

    assert len(duo.evidence.sessions) == 1


def test_a_program_can_refuse_suggestions(world: World) -> None:
    mentor, mentee = world.person("ana@example.com"), world.person(MENTEE)
    pair = world.pair(world.program(suggests_untagged=False), mentor, mentee)
    duo = Duo(world, mentor, mentee, pair, world.calendar(mentor), world.calendar(mentee))

    duo.sync(full(single("2026-02-09 10:00", tag_rule=TagRule.SUGGESTED)), FIRST)

    assert count(world, Copy) == 0
    assert world.source(duo.calendar).rules[0].partners == ()


def test_what_no_rule_matched_is_refused_at_the_border(duo: Duo) -> None:
    result = duo.sync(full(single("2026-02-09 10:00"), single("2026-02-10 10:00", tag_rule=None)), FIRST)

    assert (result.outcome, count(duo.world, Copy)) == (Outcome.FAILED, 0)


def test_a_new_pair_reads_everything_anew(duo: Duo) -> None:
    event = single("2026-02-09 10:00", attendees=(Attendee(MENTEE), Attendee("cleo@example.com")))
    duo.sync(full(event), FIRST)
    pair = duo.world.pair(duo.world.program("Other"), duo.mentor, duo.world.person("cleo@example.com"))

    duo.sync(full(event), SECOND)

    assert duo.world.source(duo.calendar).cursors == [None, None]
    assert len(duo.world.evidence(pair).sessions) == 1


# --- what vanishes ---


def test_an_entry_that_is_not_listed_any_more_is_gone_and_stands(duo: Duo) -> None:
    events = series("2026-02-09 10:00", 3)
    duo.sync(full(*events), FIRST)

    result = duo.sync(full(*events[:2]), SECOND)

    assert result.intake.gone == 1
    assert statuses(duo) == [[Status.CONFIRMED]] * 3


def test_an_entry_outside_of_what_was_read_is_not_missed(duo: Duo) -> None:
    event = single("2026-06-26 10:00")
    duo.sync(full(event), FIRST)
    duo.sync(delta(move(event, "2026-11-02 10:00", "2026-02-01 20:00")), SECOND)

    result = duo.sync(full(), "2026-02-03 08:00")

    assert result.intake.gone == 0


def test_a_tombstone_cancels(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(removed=(event.provider_event_id,)), SECOND)

    (session,) = duo.evidence.sessions
    assert [o.status for o in session.observations] == [Status.CONFIRMED, Status.CANCELLED]
    assert session.observations[-1].starts_at == session.observations[0].starts_at
    assert session.observations[-1].cancelled_by is Side.MENTOR


def test_an_attendee_who_deletes_the_own_copy_cancels_nothing(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    duo.sync_other(full(as_attendee(event)), FIRST)

    duo.sync_other(delta(removed=(as_attendee(event).provider_event_id,)), SECOND)

    assert statuses(duo) == [[Status.CONFIRMED]]


def test_a_cancelled_copy_tells_what_the_vanished_one_meant(world: World) -> None:
    duo = make_duo(world, providers=(Provider.OUTLOOK, Provider.OUTLOOK))
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    duo.sync_other(full(as_attendee(event)), FIRST)

    duo.sync(full(), SECOND)
    duo.sync_other(delta(as_attendee(cancel(event, "2026-02-01 20:00"))), SECOND)

    (session,) = duo.evidence.sessions
    assert session.observations[-1].at == instant("2026-02-01 20:00")
    assert session.observations[-1].cancelled_by is Side.MENTOR


def test_an_entry_that_comes_back_is_there_again(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    duo.sync(full(), SECOND)

    duo.sync(full(event), "2026-02-03 08:00")

    with duo.world.store.read() as db:
        assert db.scalars(select(Copy)).one().gone_at is None
    assert statuses(duo) == [[Status.CONFIRMED]]


def test_an_entry_that_moves_to_another_calendar_is_the_same_session(duo: Duo) -> None:
    from tracker.models import Provider

    event = single("2026-02-09 10:00")
    second = duo.world.calendar(duo.mentor, Provider.OUTLOOK)
    duo.sync(full(event), FIRST)

    duo.sync(full(), SECOND)
    duo.world.sync(second, full(replace(event, provider_event_id="elsewhere")), SECOND)

    assert statuses(duo) == [[Status.CONFIRMED]]


def test_a_new_id_for_the_same_slot_is_the_same_copy(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(full(replace(event, provider_event_id="in another folder")), SECOND)

    assert count(duo.world, Copy) == 1
    assert statuses(duo) == [[Status.CONFIRMED]]


def test_a_new_id_that_nobody_announced_is_the_same_copy(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)

    duo.sync(delta(replace(event, provider_event_id="in another folder")), SECOND)

    assert count(duo.world, Copy) == 1


def test_an_entry_that_comes_back_under_a_new_id_is_the_same_copy(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    duo.sync(full(), SECOND)

    duo.sync(full(replace(event, provider_event_id="in another folder")), "2026-02-03 08:00")

    assert count(duo.world, Copy) == 1


# --- the guard ---


def test_a_mass_removal_stops_and_asks(duo: Duo) -> None:
    events = series("2026-02-09 10:00", 10)
    duo.sync(full(*events), FIRST)

    result = duo.sync(full(*events[:4], single("2026-02-10 10:00", uid="new@x")), SECOND)

    calendar = row(duo.world, duo.calendar)
    assert (result.outcome, result.problem, result.intake.held) == (Outcome.HELD, "mass_removal", 6)
    assert (calendar.problem, calendar.removals_held) == ("mass_removal", 6)
    assert calendar.last_read_at == instant(FIRST)
    assert len(duo.evidence.sessions) == 10


@pytest.mark.parametrize(("tracked", "removed"), [(10, 5), (20, 5), (26, 5), (20, 4)])
def test_a_few_removals_pass(duo: Duo, tracked: int, removed: int) -> None:
    events = [single(instant("2026-02-09 10:00") + timedelta(days=i), uid=f"{i}@x") for i in range(tracked)]
    duo.sync(full(*events), FIRST)

    assert duo.sync(full(*events[removed:]), SECOND).outcome is Outcome.READ


def test_a_fifth_of_many_may_go(duo: Duo) -> None:
    events = [single(instant("2026-02-02 10:00") + timedelta(days=i), uid=f"{i}@x") for i in range(40)]
    duo.sync(full(*events), FIRST)

    assert duo.sync(full(*events[9:]), SECOND).outcome is Outcome.HELD
    assert duo.sync(full(*events[8:]), SECOND).outcome is Outcome.READ


def test_a_calendar_that_is_suddenly_empty_is_doubted(duo: Duo) -> None:
    duo.sync(full(*series("2026-02-09 10:00", 3)), FIRST)

    assert duo.sync(full(looked_at=0), SECOND).outcome is Outcome.HELD


def test_nobody_misses_what_was_cancelled_or_only_suggested(duo: Duo) -> None:
    cancelled = [cancel(event, "2026-01-20 10:00") for event in series("2026-02-09 10:00", 8)]
    suggested = series("2026-02-10 10:00", 8, uid="s@x", tag_rule=TagRule.SUGGESTED)
    duo.sync(full(*cancelled, *suggested), FIRST)

    assert duo.sync(full(), SECOND).outcome is Outcome.READ


def test_tombstones_are_guarded_as_well(duo: Duo) -> None:
    events = series("2026-02-09 10:00", 10)
    duo.sync(full(*events), FIRST)

    result = duo.sync(delta(removed=tuple(e.provider_event_id for e in events)), SECOND)

    assert result.outcome is Outcome.HELD
    assert row(duo.world, duo.calendar).cursor is not None
    assert statuses(duo) == [[Status.CONFIRMED]] * 10


def test_removals_that_a_person_accepts_pass(duo: Duo) -> None:
    events = series("2026-02-09 10:00", 10)
    duo.sync(full(*events), FIRST)
    duo.sync(full(*events[:3]), SECOND)

    with duo.world.store.write() as db:
        accept_removals(db, duo.calendar, Act(None, "site", instant(SECOND)))
    result = duo.sync(full(*events[:3]), "2026-02-02 09:00")

    assert (result.outcome, result.intake.gone) == (Outcome.READ, 7)
    assert row(duo.world, duo.calendar).removals_held == 0


def test_accepting_some_does_not_accept_more(duo: Duo) -> None:
    events = series("2026-02-09 10:00", 12)
    duo.sync(full(*events), FIRST)
    duo.sync(full(*events[:6]), SECOND)
    with duo.world.store.write() as db:
        accept_removals(db, duo.calendar, Act(None, "site", instant(SECOND)))

    assert duo.sync(full(*events[:2]), "2026-02-02 09:00").outcome is Outcome.HELD


# --- failures ---


def test_a_failure_leaves_everything_and_says_so(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00")), FIRST)

    result = duo.sync(ConnectorError("no answer"), SECOND)

    calendar = row(duo.world, duo.calendar)
    assert (result.outcome, result.problem) == (Outcome.FAILED, "unreachable")
    assert (calendar.problem, calendar.failures) == ("unreachable", 1)
    assert (calendar.last_read_at, calendar.last_tried_at) == (instant(FIRST), instant(SECOND))
    assert statuses(duo) == [[Status.CONFIRMED]]


def test_it_tries_again_later_with_each_failure(duo: Duo) -> None:
    waits = []
    for _ in range(3):
        duo.sync(ConnectorError("no answer"), SECOND)
        waits.append((row(duo.world, duo.calendar).next_read_at or JANUARY) - instant(SECOND))

    assert waits == sorted(set(waits))


def test_it_waits_as_long_as_the_provider_asks(duo: Duo) -> None:
    duo.sync(RateLimited("slow down", retry_after_s=86_400), SECOND)

    assert row(duo.world, duo.calendar).next_read_at == instant("2026-02-03 08:00")


def test_a_good_reading_ends_the_trouble(duo: Duo) -> None:
    duo.sync(AuthRevoked("gone"), FIRST)

    duo.sync(full(), SECOND)

    calendar = row(duo.world, duo.calendar)
    assert (calendar.problem, calendar.failures) == (None, 0)


def test_a_lost_cursor_reads_everything_again(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync(full(event), FIRST)
    duo.world.source(duo.calendar).script.append(SyncTokenExpired("gone"))

    result = duo.sync(full(event), SECOND)

    assert result.outcome is Outcome.READ
    assert duo.world.source(duo.calendar).cursors == [None, "after full", None]


def test_a_failed_reread_leaves_the_old_rows(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00")), FIRST)
    duo.world.source(duo.calendar).script.append(SyncTokenExpired("gone"))

    duo.sync(ConnectorError("no answer"), SECOND)

    assert statuses(duo) == [[Status.CONFIRMED]]
    assert row(duo.world, duo.calendar).cursor is not None


def test_a_crash_in_the_middle_changes_nothing(duo: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    duo.sync(full(single("2026-02-09 10:00")), FIRST)
    before = row(duo.world, duo.calendar)

    def crash(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(intake, "settle_copies", crash)
    result = duo.sync(full(single("2026-02-12 10:00", uid="b@x")), SECOND)

    after = row(duo.world, duo.calendar)
    assert (result.outcome, after.problem) == (Outcome.FAILED, INTERNAL)
    assert count(duo.world, Copy) == 1
    assert (after.cursor, after.last_read_at) == (before.cursor, before.last_read_at)


def test_a_broken_connector_does_not_stop_the_others(duo: Duo, caplog: pytest.LogCaptureFixture) -> None:
    duo.world.source(duo.calendar).script.append(KeyError("Quarterly numbers with the board"))
    duo.world.source(duo.other).script.append(full(as_attendee(single("2026-02-09 10:00"))))

    with caplog.at_level(logging.DEBUG):
        results = sync_all(duo.world, instant(FIRST))

    assert [r.outcome for r in results] == [Outcome.FAILED, Outcome.READ]
    assert "board" not in caplog.text


def test_a_reading_that_came_too_late_is_dropped(duo: Duo, monkeypatch: pytest.MonkeyPatch) -> None:
    source = duo.world.source(duo.calendar)
    real = source.pull

    def slow(*call: object) -> object:
        given = real(*call)  # type: ignore[arg-type]
        if given.events:
            # Another process reads the calendar, and finds nothing, while this one waits for the network.
            duo.sync(full(), SECOND)
        return given

    monkeypatch.setattr(source, "pull", slow)
    source.script.append(full(single("2026-02-09 10:00")))
    result = duo.world.sync(duo.calendar, full(), FIRST)

    assert result.outcome is Outcome.NOT_NEEDED
    assert count(duo.world, Copy) == 0


@pytest.mark.parametrize("answer", [full(single("2026-02-09 10:00")), unchanged()])
def test_what_is_wished_for_while_a_calendar_is_read_is_done_next(
    duo: Duo, monkeypatch: pytest.MonkeyPatch, answer: Pull
) -> None:
    """A date that we wrote after the provider answered must not wait for the next hour."""
    source = duo.world.source(duo.calendar)
    real = source.pull

    def slow(*call: object) -> object:
        with duo.world.store.write() as db:
            read_soon(db, [duo.mentor], Act(None, "schedule", instant(FIRST)))
        return real(*call)  # type: ignore[arg-type]

    monkeypatch.setattr(source, "pull", slow)
    duo.sync(answer, FIRST)

    assert row(duo.world, duo.calendar).next_read_at == instant(FIRST)


def test_both_calendars_at_the_same_moment_make_one_session(
    duo: Duo, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def together(*call: object) -> object:
        # SQLite lets one in after the other; PostgreSQL both at once.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return intake.take_pull(*call)  # type: ignore[arg-type]

    monkeypatch.setattr("tracker.services.sync.take_pull", together)
    event = single("2026-02-09 10:00")
    with ThreadPoolExecutor(2) as pool:
        results = [
            pool.submit(duo.sync, full(event), FIRST),
            pool.submit(duo.sync_other, full(as_attendee(event)), FIRST),
        ]

    assert [r.result().outcome for r in results] == [Outcome.READ, Outcome.READ]
    assert count(duo.world, Session) == 1


# --- when, and whose ---


def test_a_session_nearby_is_read_often(duo: Duo) -> None:
    duo.sync(full(single("2026-02-03 07:00")), FIRST)

    assert (row(duo.world, duo.calendar).next_read_at or JANUARY) - instant(FIRST) <= timedelta(minutes=5)


def test_without_a_session_nearby_it_is_read_hourly(world: World) -> None:
    waits = set()
    for i in range(8):
        person, other = world.person(f"{i}@example.com"), world.person(f"other{i}@example.com")
        world.pair(world.program(f"P{i}"), person, other)
        calendar = world.calendar(person)
        world.sync(calendar, full(), FIRST)
        waits.add((row(world, calendar).next_read_at or JANUARY) - instant(FIRST))

    assert max(waits) <= timedelta(hours=1)
    assert max(waits) > timedelta(minutes=5)
    assert len(waits) == 8  # spread, not all at once


def test_the_calendar_of_somebody_without_a_pair_is_not_read(world: World) -> None:
    calendar = world.calendar(world.person("dan@example.com"))

    result = world.sync(calendar, full(), FIRST)

    assert result.outcome is Outcome.NOT_NEEDED
    assert world.source(calendar).cursors == []


def test_a_disconnected_calendar_is_not_read(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.get_one(Calendar, duo.calendar).status = CalendarStatus.DISCONNECTED

    assert sync_all(duo.world, instant(FIRST), person_id=duo.mentor) == []


def test_only_what_is_due_is_read(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    duo.world.source(duo.other).script.append(full())

    results = sync_due(duo.world, instant(FIRST) + timedelta(seconds=1))

    assert [r.calendar_id for r in results] == [duo.other]


def test_it_tells_how_far_it_is(duo: Duo) -> None:
    for calendar in (duo.calendar, duo.other):
        duo.world.source(calendar).script.append(full())
    seen: list[tuple[int, int]] = []

    sync_all(duo.world, instant(FIRST), on_progress=lambda done, total: seen.append((done, total)))

    assert seen == [(1, 2), (2, 2)]


def test_the_window_covers_the_term_and_stays_the_same_for_days(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    duo.sync(unchanged(), "2026-03-17 08:00")

    first, second = duo.world.source(duo.calendar).windows
    assert first == second
    assert first.start < instant("2025-12-29 00:00")
    assert first.end > instant("2026-07-06 00:00")


def test_what_was_set_aside_is_shown_to_the_owner(duo: Duo) -> None:
    pull = replace(full(), set_aside=(SetAside("entry 3", "its time zone is not known"),))

    duo.sync(pull, FIRST)

    assert row(duo.world, duo.calendar).set_aside == [
        {"place": "entry 3", "issue": "its time zone is not known"}
    ]


def test_what_is_set_aside_is_not_gone(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00", uid="torn"), single("2026-02-16 10:00", uid="gone")), FIRST)
    pull = replace(full(), looked_at=9, set_aside=(SetAside("entry 3", "no start", "torn"),))

    duo.sync(pull, "2026-02-03 08:00")

    with duo.world.store.read() as db:
        gone = db.scalars(select(Copy.gone_at).order_by(Copy.starts_at)).all()
    assert [at is None for at in gone] == [True, False]


def test_a_change_makes_the_pair_due(duo: Duo) -> None:
    with duo.world.store.write() as db:
        db.get_one(Pair, duo.pair).review_due_at = instant("2026-03-01 00:00")

    duo.sync(full(single("2026-02-09 10:00")), FIRST)

    with duo.world.store.read() as db:
        pair = db.get_one(Pair, duo.pair)
    assert (pair.review_due_at, pair.evidence_version) == (instant(FIRST), 2)


# --- nothing private ---


def test_addresses_and_cursors_are_nowhere_to_be_read(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        duo = make_duo(world)
        duo.sync(full(single("2026-02-09 10:00"), cursor="token-made-of-gold"), FIRST)
        duo.sync(ConnectorError("no answer"), SECOND)

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("cadencia.sqlite*"))
    if stored:
        assert b"ana@example.com" in stored  # the search finds what is there
    for secret in (b"token-made-of-gold", b"calendar of 1"):
        assert secret not in stored
        assert secret.decode() not in caplog.text


# --- whose access, and what Cadencia wrote itself ---


def test_the_owners_own_consent_is_used_where_there_is_one(duo: Duo) -> None:
    with duo.world.store.write() as db:
        credential = Credential(
            person_id=duo.mentor,
            provider=Provider.GOOGLE,
            account=MENTOR,
            refresh_token="sealed",
            granted_at=JANUARY,
        )
        db.add(credential)
        db.flush()
        db.get_one(Calendar, duo.calendar).credential_id = credential.id
    duo.sync(full(), FIRST)
    duo.sync_other(full(), FIRST)
    own, companys = (duo.world.source(calendar).accesses[1] for calendar in (duo.calendar, duo.other))
    assert own is not None
    assert companys is None


def test_a_consent_that_is_over_leaves_everything_as_it_was(duo: Duo) -> None:
    duo.sync(full(single("2026-02-09 10:00")), FIRST)
    before = duo.evidence
    duo.sync(AuthRevoked("the consent is over"), SECOND)
    assert duo.evidence == before
    assert row(duo.world, duo.calendar).problem == "reconnect"


def test_it_knows_what_the_installation_wrote(store: Store, vault: Vault) -> None:
    keys = (fresh_key(),)
    duo = make_duo(World(store, vault, Settings(secret_keys=keys)))
    reference = new_reference(keys)
    own = single("2026-02-09 10:00", tag_rule=TagRule.CADENCIA, session_ref=reference)
    duo.sync(full(own), FIRST)
    is_ours = duo.world.source(duo.calendar).rules[0].is_ours
    assert is_ours(reference)
    assert not is_ours(new_reference([fresh_key()]))
    with store.read() as db:
        assert db.scalars(select(Copy.reference)).all() == [reference]


def test_without_keys_no_reference_is_believed(duo: Duo) -> None:
    duo.sync(full(), FIRST)
    assert not duo.world.source(duo.calendar).rules[0].is_ours(new_reference([fresh_key()]))


# --- whom a cancelled copy blames ---


@pytest.mark.parametrize(
    ("provider", "blamed"),
    [(Provider.GOOGLE, None), (Provider.OUTLOOK, Side.MENTOR), (Provider.ICAL, Side.MENTOR)],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_guests_cancelled_copy_blames_the_organiser_only_where_it_can_tell(
    world: World, provider: Provider, blamed: Side | None, is_known: bool
) -> None:
    duo = make_duo(world, providers=(provider, provider))
    copy = as_attendee(single("2026-02-09 10:00"))
    if is_known:
        duo.sync_other(full(copy), FIRST)
    duo.sync_other(full(cancel(copy, "2026-02-01 20:00")), SECOND)
    last = duo.evidence.sessions[0].observations[-1]
    assert (last.status, last.cancelled_by) == (Status.CANCELLED, blamed)


def test_the_organisers_own_copy_tells_who_cancelled(duo: Duo) -> None:
    event = single("2026-02-09 10:00")
    duo.sync_other(full(cancel(as_attendee(event), "2026-02-01 20:00")), SECOND)
    duo.sync(full(cancel(event, "2026-02-01 20:00")), SECOND)
    assert duo.evidence.sessions[0].observations[-1].cancelled_by is Side.MENTOR
