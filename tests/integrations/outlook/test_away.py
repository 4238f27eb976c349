"""Absences: the days of out-of-office entries, and nothing else of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from integrations.providers import open_calendar
from tests.fakes.graph.mailbox import write_time
from tests.fakes.graph.mirror import graph_id
from tests.fakes.graph.shapes import Event
from tests.integrations.outlook.conftest import (
    ANA,
    BEN,
    DAY,
    MONDAY,
    WEEK,
    WINDOW,
    Reading,
    called_off,
    event,
    occurrence,
    series,
    standing,
)
from tracker.events import AwayNotice, Pull, PullKind, TagRule
from tracker.tags import TagRules

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def out(name: str, start: datetime, end: datetime, **about: Any) -> Event:
    """Return an out-of-office entry of one's own."""
    fields: dict[str, Any] = {"subject": "Hospital", "attendees": [], "show_as": "oof", **about}
    return event(name, start, end=write_time(end), **fields)


def days(pull: Pull) -> list[tuple[str, str]]:
    """Return the first and last days of a pull's absences."""
    return sorted((str(a.first), str(a.last)) for a in pull.absences)


@pytest.fixture
def away(ana: Reading) -> Reading:
    """Ana, who lets the dates of her absences be read."""
    ana.rules = TagRules(keeps_absences=True)
    return ana


def test_whole_days_are_absences(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + 5 * DAY, is_all_day=True))
    pull = away.pull()
    assert pull.absences == (AwayNotice(graph_id("a"), date(2026, 3, 2), date(2026, 3, 6)),)
    assert (pull.events, pull.kind, pull.looked_at) == ((), PullKind.FULL, 1)


@pytest.mark.parametrize("rules", [
    TagRules(), TagRules(owner=frozenset({ANA}), partners=(frozenset({BEN}),)),
])  # fmt: skip
def test_absences_are_dropped_where_nobody_allowed_them(ana: Reading, rules: TagRules) -> None:
    ana.rules = rules
    ana.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    ana.box.put(event("b", show_as="oof", subject="Offsite"))
    pull = ana.pull()
    assert (pull.absences, pull.events) == ((), ())
    assert graph_id("a") not in str(ana.cursor)


@pytest.mark.parametrize(("start", "hours", "expected"), [
    (10, 6, [("2026-03-02", "2026-03-02")]),  # from ten to four
    (11, 6, []),
    (10, 5, []),
    (14, 20, []),  # two on Monday to ten on Tuesday
    (14, 26, [("2026-03-03", "2026-03-03")]),  # to four on Tuesday
    (9, 7 + 48, [("2026-03-02", "2026-03-04")]),
])  # fmt: skip
def test_day_counts_from_ten_to_four(
    away: Reading, start: int, hours: int, expected: list[tuple[str, str]]
) -> None:
    begins = MIDNIGHT + start * HOUR
    away.box.put(out("a", begins, begins + hours * HOUR))
    assert days(away.pull()) == expected


@pytest.mark.parametrize(("zone", "expected"), [
    ("UTC", [("2026-03-02", "2026-03-02")]),
    ("America/Bogota", []),  # five to eleven in the morning
    ("Asia/Tokyo", []),
    ("Nowhere/Land", [("2026-03-02", "2026-03-02")]),
])  # fmt: skip
def test_day_is_the_owners(away: Reading, zone: str, expected: list[tuple[str, str]]) -> None:
    away.box.put(out("a", MONDAY, MONDAY + 6 * HOUR))
    source = open_calendar("outlook", ANA, zone, away.graph.settings())
    assert days(source.pull(None, WINDOW, away.rules)) == expected


def test_whole_days_are_the_same_in_every_zone(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        source = open_calendar("outlook", ANA, zone, away.graph.settings())
        assert days(source.pull(None, WINDOW, away.rules)) == [("2026-03-02", "2026-03-02")]


def test_series_of_absences_is_read_by_its_days(away: Reading) -> None:
    starts = [MIDNIGHT + n * WEEK for n in range(3)]
    master, occurrences = series("s", starts, subject="Child care", show_as="oof", is_all_day=True)
    for whole, start in zip([master, *occurrences], [starts[0], *starts], strict=True):
        whole.end = write_time(start + DAY)
    back = occurrence(master, "s", starts[1], show_as="free", end=write_time(starts[1] + DAY))
    away.box.put(master, [occurrences[0], back, occurrences[2]])
    assert days(away.pull()) == [("2026-03-02", "2026-03-02"), ("2026-03-16", "2026-03-16")]
    away.box.call_off(master.id, "2026-03-16")
    pull = away.pull()
    assert pull.events == ()
    assert pull.vanished == (graph_id("s 20260316"),)


def test_one_day_of_a_series_may_be_an_absence(away: Reading) -> None:
    master, occurrences = series("s", [MONDAY, MONDAY + WEEK], subject="Focus")
    off = occurrence(master, "s", MONDAY + WEEK, show_as="oof", end=write_time(MONDAY + WEEK + 8 * HOUR))
    away.box.put(master, [occurrences[0], off])
    assert days(away.pull()) == [("2026-03-09", "2026-03-09")]


def test_cancelled_series_of_absences_calls_no_session_off(away: Reading) -> None:
    master, occurrences = series("s", [MIDNIGHT], subject="Hospital", show_as="oof", is_all_day=True)
    for whole in (master, *occurrences):
        whole.end = write_time(MIDNIGHT + DAY)
    away.box.put(master, occurrences)
    away.pull()
    off = [msgspec.structs.replace(whole, is_cancelled=True) for whole in (master, *occurrences)]
    away.box.put(off[0], off[1:])
    pull = away.pull()
    assert (pull.events, pull.absences, pull.vanished) == ((), (), (graph_id("s 20260302"),))


def test_tagged_series_that_is_shown_as_out_is_called_off_as_any_other(away: Reading) -> None:
    away.box.put(*series("s", [MONDAY, MONDAY + WEEK], show_as="oof"))
    away.pull()
    away.box.call_off(graph_id("s"), "2026-03-09")
    pull = away.pull()
    assert (called_off(pull), pull.absences) == ([MONDAY + WEEK], ())


def test_changed_absence_is_told_anew(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    away.pull()
    assert away.pull().kind is PullKind.UNCHANGED
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + 2 * DAY, is_all_day=True))
    pull = away.pull()
    assert (pull.kind, days(pull)) == (PullKind.DELTA, [("2026-03-02", "2026-03-03")])
    assert (pull.removed, pull.vanished) == ((), ())


def test_deleted_absence_is_gone(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    away.pull()
    away.box.delete(graph_id("a"))
    assert away.pull().removed == (graph_id("a"),)


@pytest.mark.parametrize("about", [{"show_as": "busy"}, {"show_as": "oof", "is_all_day": False}])
def test_absence_that_is_none_any_more_is_gone(away: Reading, about: dict[str, Any]) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    away.pull()
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + HOUR, **about))
    pull = away.pull()
    assert (pull.absences, pull.vanished) == ((), (graph_id("a"),))


def test_cancelled_absence_is_none(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True, is_cancelled=True))
    assert away.pull().absences == ()


def test_session_is_one_however_its_owner_shows_the_time(away: Reading) -> None:
    """Whoever goes out to meet may well be out of office: missing it would count against the pair."""
    away.box.put(event("a", show_as="oof", end=write_time(MONDAY + 8 * HOUR)))
    pull = away.pull()
    assert (standing(pull), pull.absences) == ([MONDAY], ())


def test_untagged_entry_of_two_is_no_session_where_it_is_an_absence(away: Reading) -> None:
    away.rules = TagRules(owner=frozenset({ANA}), partners=(frozenset({BEN}),), keeps_absences=True)
    away.box.put(event("a", show_as="oof", subject="Trip", end=write_time(MONDAY + 8 * HOUR)))
    away.box.put(event("b", MONDAY + DAY, subject="Coffee"))
    pull = away.pull()
    assert [e.tag_rule for e in pull.events] == [TagRule.SUGGESTED]
    assert days(pull) == [("2026-03-02", "2026-03-02")]


def test_absence_that_can_not_be_read_is_not_gone(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    away.pull()
    away.box.put(out("a", MIDNIGHT + HOUR, MIDNIGHT + DAY, is_all_day=True))
    pull = away.pull()
    assert (pull.removed, pull.vanished, len(pull.set_aside)) == ((), (), 1)


def test_nothing_but_dates_leaves(away: Reading) -> None:
    away.box.put(out("a", MIDNIGHT, MIDNIGHT + DAY, is_all_day=True))
    assert "Hospital" not in repr(away.pull()) + str(away.cursor)
