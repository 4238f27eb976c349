"""What one pair gives a digest to tell: all that is so, once, and nobody blamed beyond the evidence."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tracker.ledger import (
    Cadence,
    Evidence,
    Observation,
    Outcome,
    Policy,
    Reason,
    Session,
    Side,
    Statement,
    Status,
    Unit,
    Verdict,
    judge,
)
from tracker.services.digest.facts import GoodKind, OpenSession, PairName
from tracker.services.digest.findings import (
    Case,
    Change,
    Chapter,
    count_newly_missed,
    find_good,
    find_missed,
    find_unscheduled,
    find_waiting,
    told_missed_at,
)

# Weeks of the agreement begin on Mondays, as those of the digest; a miss shows three days after its week.
# The two meet on Thursdays: with three days of grace, no other day belongs to one week alone.
STARTS_ON = date(2026, 10, 5)
BEGIN, END = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
SET_UP = datetime(2026, 10, 1, tzinfo=UTC)
PAIR = PairName(7, "Ana", "Luis", 1, 2)
BOTH = (Side.MENTOR, Side.MENTEE)
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def at(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def planned(day: str, *more: Observation, seen: datetime = SET_UP) -> Session:
    first = Observation(at=seen, starts_at=at(day), ends_at=at(day, 11), status=Status.CONFIRMED)
    return Session(id=f"s {day}", observations=(first, *more))


def cancelled(day: str, by: Side | None = None, on: datetime | None = None) -> Session:
    when = on or at(day) - timedelta(days=2)
    off = Observation(
        at=when, starts_at=at(day), ends_at=at(day, 11), status=Status.CANCELLED, cancelled_by=by
    )
    return planned(day, off)


def said(session: Session, **words: bool) -> Session:
    moment = session.observations[-1].ends_at + timedelta(hours=1)
    statements = tuple(Statement(by=Side(who), at=moment, held=held) for who, held in words.items())
    return Session(id=session.id, observations=session.observations, statements=statements)


def held(*days: str) -> list[Session]:
    return [said(planned(day), mentor=True, mentee=True) for day in days]


def chapter(
    *sessions: Session,
    changes: tuple[Change, ...] = (),
    read_until: datetime | None = END,
    as_of: datetime = END,
    starts_on: date = STARTS_ON,
    ends_on: date = date(2027, 6, 30),
    weeks: int = 1,
) -> Chapter:
    evidence = Evidence(
        pair="p-7",
        timezone="UTC",
        starts_on=starts_on,
        ends_on=ends_on,
        cadence=Cadence(sessions=1, every=weeks, unit=Unit.WEEK),
        policy=Policy(),
        observed_until=read_until,
        sessions=sessions,
    )
    return Chapter(evidence, judge(evidence, now=as_of), judge(evidence, now=BEGIN), changes)


def case(*sessions: Session, **options: object) -> Case:
    return Case(PAIR, [chapter(*sessions, **options)])  # type: ignore[arg-type]


ALL_BEFORE = held("2026-10-08", "2026-10-15", "2026-10-22", "2026-10-29", "2026-11-05")
THIS_WEEK = held("2026-11-19")
NEXT_WEEK = planned("2026-11-26")


# --- missed ---


def test_hr_hears_of_a_miss_after_the_two_had_their_time() -> None:
    found = Change(date(2026, 11, 9), END - timedelta(days=4), Verdict.MISSED)  # a Thursday
    too_fresh = Change(date(2026, 11, 9), END - timedelta(days=3), Verdict.MISSED)  # a Friday, at midnight
    assert find_missed(case(*ALL_BEFORE, changes=(found,)))[0] is not None
    assert find_missed(case(*ALL_BEFORE, changes=(found,), as_of=END - timedelta(days=3)))[0] is None
    assert find_missed(case(*ALL_BEFORE, changes=(too_fresh,)))[0] is not None


def test_a_miss_that_came_to_light_at_the_weekend_waits_for_the_next_letter() -> None:
    on_saturday = Change(date(2026, 11, 9), END - timedelta(days=2), Verdict.MISSED)
    assert find_missed(case(*ALL_BEFORE, changes=(on_saturday,))) == (None, None)


@pytest.mark.parametrize(("cleared", "is_new"), [("2026-11-15", False), ("2026-11-17", True)])
def test_what_a_digest_could_not_know_the_next_one_tells(cleared: str, is_new: bool) -> None:
    """HR may hear from Saturday, November 14, on; the last digest was written as Monday the 16th began."""
    first_on = date(2026, 11, 2)
    changes = (
        Change(first_on, at("2026-11-12"), Verdict.MISSED),
        Change(first_on, at("2026-11-13"), Verdict.UNKNOWN),
        Change(first_on, at(cleared), Verdict.MISSED),
    )
    new, old = find_missed(case(*ALL_BEFORE[:-1], *held("2026-11-12"), changes=changes))
    assert (new is not None, old) == (is_new, None)


def test_a_cloud_over_a_digest_makes_no_old_miss_new() -> None:
    first_on = date(2026, 10, 26)
    changes = (
        Change(first_on, at("2026-11-05"), Verdict.MISSED),  # the digest of November 9 told of it
        Change(first_on, at("2026-11-14"), Verdict.UNKNOWN),
        Change(first_on, at("2026-11-17"), Verdict.MISSED),
    )
    known = [each for each in ALL_BEFORE if each.id != "s 2026-10-29"]
    assert find_missed(case(*known, *held("2026-11-12"), changes=changes)) == (None, None)


def test_a_miss_between_the_two_is_in_no_number() -> None:
    on_saturday = Change(date(2026, 11, 9), END - timedelta(days=2), Verdict.MISSED)
    earlier = Change(date(2026, 11, 9), END - timedelta(days=5), Verdict.MISSED)
    counts = [count_newly_missed(case(*ALL_BEFORE, changes=(c,))) for c in (on_saturday, earlier)]
    assert counts == [0, 1]


def test_what_the_two_say_of_a_miss_stands_beside_it() -> None:
    said = {date(2026, 11, 9): ((Side.MENTOR, "We were at a fair."),)}
    only = chapter(*ALL_BEFORE)
    new, _ = find_missed(Case(PAIR, [replace(only, remarks=said)]))
    assert new is not None
    assert new.periods[0].remarks == ((Side.MENTOR, "We were at a fair."),)


def test_two_in_a_row_call_for_a_word() -> None:
    once, _ = find_missed(case(*ALL_BEFORE))
    twice, _ = find_missed(case(*ALL_BEFORE[:-1]))
    assert once is not None
    assert twice is not None
    assert (once.calls_for_a_word, twice.calls_for_a_word) == (False, True)


def test_a_period_that_closed_this_week_without_a_session_is_new() -> None:
    new, old = find_missed(case(*ALL_BEFORE, NEXT_WEEK, planned("2026-11-21")))
    assert old is None
    assert new is not None
    (period,) = new.periods
    assert (period.first_on, period.last_on) == (date(2026, 11, 9), date(2026, 11, 15))
    assert (period.reason, period.missed_by) == (Reason.NO_SESSION, ())
    assert (new.in_a_row, new.next_session_on) == (1, date(2026, 11, 26))


@pytest.mark.parametrize("by", [None, Side.MENTOR, Side.MENTEE])
def test_a_side_is_named_only_where_evidence_names_it(by: Side | None) -> None:
    new, _ = find_missed(case(*ALL_BEFORE, cancelled("2026-11-12", by)))
    assert new is not None
    assert new.periods[0].reason is Reason.CANCELLED
    assert new.periods[0].missed_by == ((by,) if by else ())


def test_a_miss_of_last_week_is_not_new() -> None:
    sessions = ALL_BEFORE[:-1]
    new, old = find_missed(case(*sessions, said(planned("2026-11-12"), mentor=False, mentee=True)))
    assert new is None
    assert old is not None
    assert [p.first_on for p in old.periods] == [date(2026, 11, 2)]


def test_what_is_new_says_how_many_in_a_row_it_makes() -> None:
    new, _ = find_missed(case(*ALL_BEFORE[:-2]))
    assert new is not None
    assert [p.first_on for p in new.periods] == [date(2026, 11, 9)]
    assert new.in_a_row == 3


def test_a_pair_that_met_since_is_not_told_of_again() -> None:
    assert find_missed(case(*ALL_BEFORE[:-1], *held("2026-11-12"))) == (None, None)


def test_a_session_that_found_a_new_date_is_no_miss() -> None:
    moved = Observation(
        at=at("2026-11-09"), starts_at=at("2026-11-26"), ends_at=at("2026-11-26", 11), status=Status.CONFIRMED
    )
    assert find_missed(case(*ALL_BEFORE, planned("2026-11-12", moved))) == (None, None)


def test_without_readings_nobody_is_accused() -> None:
    assert find_missed(case(*ALL_BEFORE, read_until=at("2026-11-18"))) == (None, None)


def test_a_miss_that_came_to_light_late_is_told_in_that_week() -> None:
    noted = Change(date(2026, 10, 26), BEGIN + timedelta(days=2), Verdict.MISSED)
    sessions = [*ALL_BEFORE[:3], *ALL_BEFORE[4:], *held("2026-11-12")]
    new, _ = find_missed(case(*sessions, changes=(noted,)))
    assert new is not None
    assert [p.first_on for p in new.periods] == [date(2026, 10, 26)]


def test_a_miss_that_was_told_is_not_told_again() -> None:
    noted = Change(date(2026, 11, 9), BEGIN - timedelta(days=5), Verdict.MISSED)
    new, old = find_missed(case(*ALL_BEFORE, changes=(noted,)))
    assert new is None
    assert old is not None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("missed@2", 2),
        ("missed@2 unknown@5 missed@9", 2),
        ("missed@2 met@5 missed@9", 9),
        ("unknown@2 missed@9", 9),
        ("missed@2 met@5", None),
        ("", None),
    ],
)
def test_a_clouded_view_takes_nothing_back(words: str, expected: int | None) -> None:
    parts = [word.split("@") for word in words.split()]
    changes = [
        Change(STARTS_ON, SET_UP + timedelta(days=int(day)), Verdict(verdict)) for verdict, day in parts
    ]
    assert told_missed_at(changes) == (None if expected is None else SET_UP + timedelta(days=expected))


def test_the_last_miss_of_an_agreement_that_is_over_is_told() -> None:
    new, old = find_missed(case(*ALL_BEFORE, ends_on=date(2026, 11, 15)))
    assert new is not None
    assert old is None


def test_a_pair_whose_agreement_is_over_is_not_nagged() -> None:
    assert find_missed(case(ends_on=date(2026, 11, 8))) == (None, None)


def test_a_row_of_misses_goes_on_from_one_agreement_to_the_next() -> None:
    first = chapter(ends_on=date(2026, 11, 1), starts_on=date(2026, 10, 19))
    second = chapter(starts_on=date(2026, 11, 9))
    new, _ = find_missed(Case(PAIR, [first, second]))
    assert new is not None
    assert (len(new.periods), new.in_a_row) == (1, 3)


def test_nothing_is_said_of_plans_that_can_not_be_seen() -> None:
    noted = Change(date(2026, 11, 2), BEGIN + timedelta(days=1), Verdict.MISSED)
    new, _ = find_missed(case(*ALL_BEFORE[:-1], changes=(noted,), read_until=at("2026-11-12")))
    assert new is not None
    assert (new.sees_ahead, new.next_session_on) == (False, None)


# --- waiting ---


def test_it_tells_who_has_not_answered() -> None:
    waiting = find_waiting(case(*ALL_BEFORE, said(planned("2026-11-21"), mentor=True)))
    assert waiting is not None
    assert waiting.sessions == (
        OpenSession(date(2026, 11, 21), Outcome.AWAITING, (Side.MENTEE,), (Side.MENTOR,)),
    )


def test_it_tells_of_silence_on_both_sides() -> None:
    waiting = find_waiting(case(*ALL_BEFORE, planned("2026-11-12")))
    assert waiting is not None
    assert waiting.sessions == (OpenSession(date(2026, 11, 12), Outcome.UNCONFIRMED, BOTH, ()),)


def test_it_tells_who_says_what_where_they_differ() -> None:
    waiting = find_waiting(case(said(planned("2026-11-12"), mentor=False, mentee=True)))
    assert waiting is not None
    assert waiting.sessions == (OpenSession(date(2026, 11, 12), Outcome.DISPUTED, (), (Side.MENTEE,)),)


def test_what_was_said_after_the_week_is_not_known_yet() -> None:
    late = Statement(by=Side.MENTEE, at=END + timedelta(hours=1), held=True)
    session = said(planned("2026-11-21"), mentor=True)
    later = Session(id=session.id, observations=session.observations, statements=(*session.statements, late))
    waiting = find_waiting(case(later))
    assert waiting is not None
    assert waiting.sessions[0].silent == (Side.MENTEE,)


def test_after_a_month_nobody_is_asked_any_more() -> None:
    assert find_waiting(case(planned("2026-10-22"))) is None


def test_answers_of_both_leave_nothing_open() -> None:
    assert find_waiting(case(*ALL_BEFORE, *THIS_WEEK)) is None


# --- nothing planned ---


def test_time_running_out_is_urgent() -> None:
    early = held("2026-10-08", "2026-10-22", "2026-11-05")
    found = find_unscheduled(case(*early, weeks=2, as_of=at("2026-11-28"), read_until=at("2026-11-28")))
    assert found is not None
    assert (found.urgent, found.until) == (True, date(2026, 11, 29))


def test_no_next_session_is_told_calmly() -> None:
    found = find_unscheduled(case(*ALL_BEFORE, *held("2026-11-12"), *THIS_WEEK))
    assert found is not None
    assert (found.urgent, found.until) == (False, date(2026, 11, 29))


def test_a_period_in_its_days_of_grace_can_still_be_saved() -> None:
    found = find_unscheduled(case(*ALL_BEFORE, *held("2026-11-12")))
    assert found is not None
    assert found.until == date(2026, 11, 25)


def test_whoever_has_a_date_needs_nothing() -> None:
    assert find_unscheduled(case(*ALL_BEFORE, *held("2026-11-12"), *THIS_WEEK, NEXT_WEEK)) is None


def test_whoever_met_early_need_not_plan_yet() -> None:
    met = held("2026-10-08", "2026-10-22", "2026-11-05", "2026-11-17")
    assert find_unscheduled(case(*met, weeks=2, as_of=at("2026-11-20"), read_until=at("2026-11-20"))) is None


def test_an_unreadable_calendar_may_hold_a_date() -> None:
    assert find_unscheduled(case(*ALL_BEFORE, *held("2026-11-12"), read_until=at("2026-11-15"))) is None


def test_an_agreement_that_is_over_needs_no_date() -> None:
    assert find_unscheduled(case(*ALL_BEFORE, ends_on=date(2026, 11, 8))) is None


# --- good news ---


def test_it_praises_the_first_session() -> None:
    news = find_good(case(*THIS_WEEK, starts_on=date(2026, 11, 16)))
    assert news is not None
    assert (news.kind, news.first_on, news.last_on) == (
        GoodKind.FIRST,
        date(2026, 11, 16),
        date(2026, 11, 22),
    )


def test_it_praises_who_came_back() -> None:
    news = find_good(case(*ALL_BEFORE, *THIS_WEEK))
    assert news is not None
    assert news.kind is GoodKind.BACK


def test_it_praises_a_new_date() -> None:
    moved = Observation(
        at=at("2026-11-09"), starts_at=at("2026-11-19"), ends_at=at("2026-11-19", 11), status=Status.CONFIRMED
    )
    session = said(planned("2026-11-12", moved), mentor=True, mentee=True)
    news = find_good(case(*ALL_BEFORE, session))
    assert news is not None
    assert (news.kind, news.first_on) == (GoodKind.NEW_DATE, date(2026, 11, 9))


def test_the_usual_is_not_news() -> None:
    assert find_good(case(*ALL_BEFORE, *held("2026-11-12"), *THIS_WEEK)) is None


def test_last_weeks_joys_are_not_told_again() -> None:
    assert find_good(case(*held("2026-10-08"), starts_on=STARTS_ON)) is None
