"""One history out of several copies, whatever the order in which they came."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tracker.world import JANUARY, instant
from tracker.events import EventStatus, Response
from tracker.ledger import Observation, Side, Status
from tracker.merging import CalledOff, CopyHistory, Members, merge_copies
from tracker.observing import Seen

TWO = Members({"1": Side.MENTOR, "2": Side.MENTEE}, "UTC")
HOUR = timedelta(hours=1)
MONDAY, TUESDAY = "2026-03-02 10:00", "2026-03-03 10:00"
BOTH = {"1": Response.ACCEPTED, "2": Response.NONE}


def seen(start: str, at: str | datetime = JANUARY, **fields: Any) -> Seen:
    when = instant(at) if isinstance(at, str) else at
    starts = instant(start)
    plain = Seen(when, when, starts, starts + HOUR, False, EventStatus.CONFIRMED, BOTH)
    return replace(plain, **fields)


def off(start: str, at: str, **fields: Any) -> Seen:
    return seen(start, at, status=EventStatus.CANCELLED, **fields)


def mentors(*said: Seen, **fields: Any) -> CopyHistory:
    plain = CopyHistory(
        owner="1",
        organiser="1",
        is_organisers=True,
        is_service=True,
        is_of_series=False,
        label="1:a",
        seen=said,
    )
    return replace(plain, **fields)


def mentees(*said: Seen, **fields: Any) -> CopyHistory:
    plain = CopyHistory(
        owner="2",
        organiser="1",
        is_organisers=False,
        is_service=True,
        is_of_series=False,
        label="2:b",
        seen=said,
    )
    return replace(plain, **fields)


def merge(*copies: CopyHistory, called_off: CalledOff | None = None) -> tuple[Observation, ...]:
    return merge_copies(copies, TWO, called_off)


def starts(observations: tuple[Observation, ...]) -> list[tuple[datetime, datetime]]:
    return [(o.at, o.starts_at) for o in observations]


def test_the_organisers_copy_says_when() -> None:
    merged = merge(mentees(seen(TUESDAY)), mentors(seen(MONDAY)))

    assert starts(merged) == [(JANUARY, instant(MONDAY))]


def test_a_calendar_service_is_believed_before_a_feed() -> None:
    feed = mentees(seen(TUESDAY), is_service=False, sequence=9)
    service = replace(mentees(seen(MONDAY)), owner="1", label="1:c")

    assert starts(merge(feed, service)) == [(JANUARY, instant(MONDAY))]


def test_of_equal_rank_the_higher_sequence_is_believed() -> None:
    older = mentees(seen(MONDAY), sequence=1)
    newer = replace(mentees(seen(TUESDAY), sequence=2), owner="1", label="1:c")

    assert starts(merge(older, newer)) == [(JANUARY, instant(TUESDAY))]


def test_a_move_is_two_observations() -> None:
    merged = merge(mentors(seen(MONDAY), seen(TUESDAY, "2026-02-20 10:00")))

    assert starts(merged) == [(JANUARY, instant(MONDAY)), (instant("2026-02-20 10:00"), instant(TUESDAY))]


def test_two_things_said_at_one_moment_are_both_kept() -> None:
    merged = merge(mentors(seen(MONDAY), seen(TUESDAY)))

    assert starts(merged) == [(JANUARY, instant(MONDAY)), (JANUARY, instant(TUESDAY))]


def test_the_organisers_cancellation_names_the_organiser() -> None:
    merged = merge(mentors(seen(MONDAY), off(MONDAY, "2026-02-20 10:00", by_organiser=True)))

    assert (merged[-1].status, merged[-1].cancelled_by) == (Status.CANCELLED, Side.MENTOR)


def test_an_invited_copy_tells_that_the_organiser_cancelled() -> None:
    merged = merge(mentees(seen(MONDAY), off(MONDAY, "2026-02-20 10:00", by_organiser=True)))

    assert merged[-1].cancelled_by is Side.MENTOR


def test_an_organiser_from_outside_is_not_named() -> None:
    said = (seen(MONDAY), off(MONDAY, "2026-02-20 10:00", by_organiser=True))

    assert merge(mentees(*said, organiser=None))[-1].cancelled_by is None


# A copy on the mentee's calendar that calls the mentee its organiser, as the mentor's calls the mentor.
THEIRS = {"owner": "2", "organiser": "2", "label": "2:b"}
OFF_AT = "2026-02-20 10:00"


def test_of_two_organisers_one_alone_calls_nothing_off() -> None:
    left_behind = mentors(seen(MONDAY), off(MONDAY, OFF_AT, by_organiser=True), sequence=9)

    merged = merge(left_behind, mentors(seen(MONDAY), **THEIRS))

    assert [(o.status, o.cancelled_by) for o in merged] == [(Status.CONFIRMED, None)]


def test_the_organisers_own_feed_does_not_keep_up_what_was_called_off() -> None:
    feed = mentors(seen(MONDAY), is_service=False, label="1:feed")

    merged = merge(mentors(seen(MONDAY), off(MONDAY, OFF_AT, by_organiser=True)), feed)

    assert (merged[-1].status, merged[-1].cancelled_by) == (Status.CANCELLED, Side.MENTOR)


def test_the_other_organisers_copy_that_is_gone_keeps_nothing_up() -> None:
    gone = mentors(seen(MONDAY), gone_at=instant("2026-02-10 10:00"), **THEIRS)

    merged = merge(mentors(seen(MONDAY), off(MONDAY, OFF_AT)), gone)

    assert merged[-1].status is Status.CANCELLED


@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=4),
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=4),
    st.integers(0, 3),
)
def test_two_organisers_call_off_what_both_have_called_off(
    ones: list[tuple[int, bool]], others: list[tuple[int, bool]], sequence: int
) -> None:
    def told(days: list[tuple[int, bool]]) -> list[Seen]:
        news = dict(sorted(days))
        return [
            seen(MONDAY),
            *((off if is_off else seen)(MONDAY, f"2026-02-0{day} 10:00") for day, is_off in news.items()),
        ]

    one, other = told(ones), told(others)
    copies = mentors(*one, sequence=sequence), mentors(*other, **THEIRS)

    merged = merge(*copies)

    assert merged == merge(*reversed(copies))
    assert (merged[-1].status is Status.CANCELLED) == (one[-1].is_off and other[-1].is_off)


def test_an_invited_copy_that_is_cancelled_alone_changes_nothing() -> None:
    merged = merge(mentors(seen(MONDAY)), mentees(seen(MONDAY), off(MONDAY, "2026-02-20 10:00")))

    assert [o.status for o in merged] == [Status.CONFIRMED]


def test_an_invited_copy_that_is_gone_changes_nothing() -> None:
    merged = merge(mentors(seen(MONDAY)), mentees(seen(MONDAY), gone_at=instant("2026-02-20 10:00")))

    assert [o.status for o in merged] == [Status.CONFIRMED]


def test_a_vanished_organisers_copy_yields_to_the_cancelled_one() -> None:
    cancelled = mentees(seen(MONDAY), off(MONDAY, "2026-02-20 10:00", by_organiser=True))

    merged = merge(mentors(seen(MONDAY), gone_at=instant("2026-02-22 07:00")), cancelled)

    assert [(o.at, o.status) for o in merged] == [
        (JANUARY, Status.CONFIRMED),
        (instant("2026-02-20 10:00"), Status.CANCELLED),
    ]


def test_a_vanished_copy_alone_cancels_nothing() -> None:
    merged = merge(mentors(seen(MONDAY), gone_at=instant("2026-02-22 07:00")))

    assert [o.status for o in merged] == [Status.CONFIRMED]


def test_a_persons_own_copy_tells_the_persons_answer() -> None:
    declined = seen(MONDAY, responses={"1": Response.NONE, "2": Response.DECLINED})

    assert merge(mentors(seen(MONDAY)), mentees(declined))[-1].declined_by == (Side.MENTEE,)


def test_the_own_copy_is_believed_before_the_organisers_list() -> None:
    listed = seen(MONDAY, responses={"1": Response.NONE, "2": Response.DECLINED})
    accepted = seen(MONDAY, responses={"1": Response.NONE, "2": Response.ACCEPTED})

    assert merge(mentors(listed), mentees(accepted))[-1].declined_by == ()


def test_the_organisers_list_serves_where_there_is_no_own_copy() -> None:
    listed = seen(MONDAY, responses={"1": Response.NONE, "2": Response.DECLINED})

    assert merge(mentors(listed))[-1].declined_by == (Side.MENTEE,)


def test_a_feed_that_knows_no_answer_leaves_it_to_the_organisers_list() -> None:
    listed = seen(MONDAY, responses={"1": Response.NONE, "2": Response.DECLINED})

    assert merge(mentors(listed), mentees(seen(MONDAY), is_service=False))[-1].declined_by == (Side.MENTEE,)


def test_declining_and_accepting_again_are_changes() -> None:
    answers = (Response.NONE, Response.DECLINED, Response.ACCEPTED)
    said = [
        seen(MONDAY, f"2026-02-0{day} 10:00", responses={"2": response})
        for day, response in enumerate(answers, 1)
    ]

    merged = merge(mentors(seen(MONDAY, "2026-02-01 10:00")), mentees(*said))

    assert [o.declined_by for o in merged] == [(), (Side.MENTEE,), ()]


def test_whom_the_organiser_takes_off_the_entry_is_cancelled_for() -> None:
    without = seen(MONDAY, "2026-02-20 10:00", responses={"1": Response.ACCEPTED})

    merged = merge(mentors(seen(MONDAY), without), mentees(seen(MONDAY)))

    assert [(o.status, o.cancelled_by) for o in merged] == [
        (Status.CONFIRMED, None),
        (Status.CANCELLED, Side.MENTOR),
    ]


def test_an_entry_that_never_named_the_other_stands() -> None:
    alone = {"1": Response.ACCEPTED}

    merged = merge(mentors(seen(MONDAY, responses=alone), seen(TUESDAY, "2026-02-20 10:00", responses=alone)))

    assert [o.status for o in merged] == [Status.CONFIRMED] * 2


def test_a_calendar_that_came_late_does_not_wipe_out_what_another_one_saw() -> None:
    moved = instant("2026-02-20 10:00")
    watched = mentees(seen(MONDAY), seen(TUESDAY, "2026-02-20 10:00"))
    late = mentors(seen(TUESDAY, sure_from=moved))

    assert starts(merge(watched, late)) == [(JANUARY, instant(MONDAY)), (moved, instant(TUESDAY))]


def test_a_series_edited_later_does_not_move_what_had_ended() -> None:
    late = mentors(seen(TUESDAY, sure_from=instant("2026-03-10 10:00")), is_of_series=True)

    assert starts(merge(mentees(seen(MONDAY)), late)) == [(JANUARY, instant(MONDAY))]


def test_what_the_pair_called_off_is_cancelled_since_it_vanished() -> None:
    gone = instant("2026-02-20 10:00")

    merged = merge(mentors(seen(MONDAY), gone_at=gone), called_off=CalledOff(gone, Side.MENTEE))

    assert [(o.at, o.status, o.cancelled_by) for o in merged] == [
        (JANUARY, Status.CONFIRMED, None),
        (gone, Status.CANCELLED, Side.MENTEE),
    ]


def test_an_entry_that_comes_back_stands_again() -> None:
    back = seen(MONDAY, "2026-02-25 10:00")

    merged = merge(mentors(seen(MONDAY), back), called_off=CalledOff(instant("2026-02-20 10:00")))

    assert [o.status for o in merged] == [Status.CONFIRMED, Status.CANCELLED, Status.CONFIRMED]


def test_an_all_day_entry_is_the_pairs_own_day() -> None:
    day = seen("2026-03-02 00:00", ends_at=instant("2026-03-03 00:00"), all_day=True)
    for zone, begins in (
        ("America/Los_Angeles", "2026-03-02 08:00"),
        ("Pacific/Auckland", "2026-03-01 11:00"),
    ):
        (merged,) = merge_copies([mentors(day)], Members(TWO.sides, zone))
        assert (merged.starts_at, merged.ends_at - merged.starts_at) == (instant(begins), timedelta(days=1))


moments = st.integers(0, 8).map(lambda days: JANUARY + timedelta(days=days))
responses = st.fixed_dictionaries({}, optional={p: st.sampled_from(Response) for p in ("1", "2")})


@st.composite
def histories(draw: st.DrawFn, label: str) -> CopyHistory:
    said: list[Seen] = []
    for at in sorted(draw(st.lists(moments, min_size=1, max_size=4))):
        start = draw(st.sampled_from([MONDAY, TUESDAY]))
        status = draw(st.sampled_from([EventStatus.CONFIRMED, EventStatus.CANCELLED]))
        sure = at if said else at + timedelta(days=draw(st.integers(0, 3)))
        said.append(seen(start, at, status=status, responses=draw(responses), sure_from=sure))
    return CopyHistory(
        owner=draw(st.sampled_from(["1", "2"])),
        organiser=draw(st.sampled_from(["1", "2", None])),
        is_organisers=draw(st.booleans()),
        is_service=draw(st.booleans()),
        is_of_series=draw(st.booleans()),
        label=label,
        seen=tuple(said),
        sequence=draw(st.none() | st.integers(0, 2)),
        updated_at=draw(st.none() | moments),
        gone_at=draw(st.none() | moments.map(lambda at: at + timedelta(days=9))),
    )


@given(histories("a"), histories("b"), histories("c"), st.permutations([0, 1, 2]))
def test_the_order_of_copies_does_not_matter(
    one: CopyHistory, two: CopyHistory, three: CopyHistory, order: list[int]
) -> None:
    copies = [one, two, three]

    assert merge(*copies) == merge(*(copies[i] for i in order))


@given(histories("a"), histories("b"))
def test_observations_are_in_order_and_no_two_in_a_row_are_alike(one: CopyHistory, two: CopyHistory) -> None:
    merged = merge(one, two)

    assert merged
    assert merged[0].at == min(one.seen[0].at, two.seen[0].at)
    assert all(a.at <= b.at for a, b in itertools.pairwise(merged))
    contents = [(o.starts_at, o.status, o.declined_by, o.cancelled_by) for o in merged]
    assert all(a != b for a, b in itertools.pairwise(contents))


@given(histories("a"), histories("b"), moments)
def test_what_was_said_later_changes_nothing_that_was_known_before(
    one: CopyHistory, two: CopyHistory, until: datetime
) -> None:
    # Holds for what was sure when it was said: a first sight's presumption may be corrected.
    sure = [
        replace(c, gone_at=None, seen=tuple(replace(s, sure_from=s.at) for s in c.seen)) for c in (one, two)
    ]
    cut = [replace(c, seen=kept) for c in sure if (kept := tuple(s for s in c.seen if s.at <= until))]

    assert merge(*cut) == tuple(o for o in merge(*sure) if o.at <= until) or not cut


def test_an_observations_moment_is_in_utc() -> None:
    assert merge(mentors(seen(MONDAY)))[0].at.tzinfo is UTC
