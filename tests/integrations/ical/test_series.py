"""Series: overrides, dates taken out and put in, splits, cancellations."""

from datetime import UTC, datetime

import pytest

from tests.integrations.ical.feeds import EVERYTHING, cancelled, entry, feed, read, shown, standing
from tracker.events import CalendarEvent, EventKind, EventStatus
from tracker.observing import observe_first
from tracker.tags import TagRules

WEEKLY = ("DTSTART;TZID=Europe/Rome:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4")
SLOTS = ["2026-03-02T09:00", "2026-03-09T09:00", "2026-03-16T09:00", "2026-03-23T09:00"]
DAYS = ("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=WEEKLY;COUNT=3")


def override(slot: str, *lines: str, params: str = ";TZID=Europe/Rome") -> str:
    return entry(f"RECURRENCE-ID{params}:{slot}", *lines)


def of_slot(events: tuple[CalendarEvent, ...], slot: str) -> CalendarEvent:
    (found,) = [e for e in events if shown(e.original_start) == slot]
    return found


def test_a_series_has_its_slots() -> None:
    reading = read(feed(entry(*WEEKLY)))
    assert standing(reading) == SLOTS
    assert {e.kind for e in reading.events} == {EventKind.OCCURRENCE}
    assert [shown(e.original_start) for e in reading.events] == SLOTS


def test_ids_of_occurrences_differ_and_survive_a_change() -> None:
    plain = read(feed(entry(*WEEKLY))).events
    moved = read(feed(entry(*WEEKLY), override("20260309T100000", "DTSTART:20260310T100000Z"))).events
    assert len({e.provider_event_id for e in plain}) == 4
    assert {e.provider_event_id for e in plain} == {e.provider_event_id for e in moved}


def test_an_override_moves_its_slot_and_no_other() -> None:
    data = feed(entry(*WEEKLY), override("20260309T100000", "DTSTART;TZID=Europe/Rome:20260311T160000"))
    reading = read(data)
    assert standing(reading) == [SLOTS[0], "2026-03-11T15:00", *SLOTS[2:]]
    event = of_slot(reading.events, SLOTS[1])
    assert event.kind is EventKind.EXCEPTION
    assert shown(event.original_end) == "2026-03-09T10:00"


def test_an_override_before_its_master_in_the_file() -> None:
    data = feed(override("20260309T100000", "DTSTART:20260310T100000Z"), entry(*WEEKLY))
    assert "2026-03-10T10:00" in standing(read(data))


@pytest.mark.parametrize(
    ("params", "slot"),
    [
        (";TZID=America/New_York", "20260309T050000"),
        ("", "20260309T090000Z"),
        ("", "20260309T100000"),
        (";VALUE=DATE", "20260309"),
        (";TZID=W. Europe Standard Time", "20260309T100000"),
    ],
    ids=["other zone", "utc", "floating", "date", "windows zone"],
)
def test_a_slot_is_found_however_it_is_written(params: str, slot: str) -> None:
    # A DATE override of a DATE-TIME series must not double the occurrence.
    reading = read(feed(entry(*WEEKLY), override(slot, "DTSTART:20260310T100000Z", params=params)))
    assert standing(reading) == [SLOTS[0], "2026-03-10T10:00", *SLOTS[2:]]


def test_a_date_override_finds_a_slot_at_another_time_of_day() -> None:
    master = entry(*WEEKLY, "RDATE;TZID=Europe/Rome:20260311T150000")
    reading = read(feed(master, override("20260311", "DTSTART:20260312T100000Z", params=";VALUE=DATE")))
    assert standing(reading) == [*SLOTS[:2], "2026-03-12T10:00", *SLOTS[2:]]


def test_a_time_override_of_an_all_day_series() -> None:
    reading = read(feed(entry(*DAYS), override("20260309T000000Z", "DTSTART:20260310T100000Z", params="")))
    assert standing(reading) == ["2026-03-02", "2026-03-10T10:00", "2026-03-16"]


def test_an_override_may_move_into_the_window() -> None:
    late = entry("DTSTART:20270105T100000Z", "RRULE:FREQ=WEEKLY")
    reading = read(feed(late, override("20270105T100000Z", "DTSTART:20261230T100000Z", params="")))
    assert standing(reading) == ["2026-12-30T10:00"]


def test_an_override_may_move_out_of_the_window_and_is_still_told() -> None:
    reading = read(feed(entry(*WEEKLY), override("20260323T100000", "DTSTART:20270401T100000Z")))
    assert standing(reading) == [*SLOTS[:3], "2027-04-01T10:00"]


def test_a_cancelled_override_is_cancelled() -> None:
    lines = ("DTSTART;TZID=Europe/Rome:20260309T100000", "DURATION:PT1H", "STATUS:CANCELLED")
    reading = read(feed(entry(*WEEKLY), override("20260309T100000", *lines)))
    assert cancelled(reading) == [SLOTS[1]]
    assert len(standing(reading)) == 3


def test_the_newest_override_wins_by_sequence() -> None:
    old = override("20260309T100000", "DTSTART:20260310T100000Z", "SEQUENCE:2", "DTSTAMP:20260105T000000Z")
    new = override("20260309T100000", "DTSTART:20260311T100000Z", "SEQUENCE:3", "DTSTAMP:20260101T000000Z")
    for parts in ([old, new], [new, old]):
        assert standing(read(feed(entry(*WEEKLY), *parts)))[1] == "2026-03-11T10:00"


def test_the_newest_override_wins_by_stamp_where_sequences_are_equal() -> None:
    old = override("20260309T100000", "DTSTART:20260310T100000Z", "DTSTAMP:20260101T000000Z")
    new = override("20260309T100000", "DTSTART:20260311T100000Z", "DTSTAMP:20260105T000000Z")
    for parts in ([old, new], [new, old]):
        assert standing(read(feed(entry(*WEEKLY), *parts)))[1] == "2026-03-11T10:00"


def test_the_newest_master_wins() -> None:
    old = entry("DTSTART:20260302T100000Z", "SEQUENCE:0")
    new = entry("DTSTART:20260303T100000Z", "SEQUENCE:1")
    assert standing(read(feed(new, old))) == ["2026-03-03T10:00"]


def test_an_override_without_its_series() -> None:
    (event,) = read(feed(override("20260309T100000", "DTSTART:20260310T100000Z"))).events
    assert event.kind is EventKind.EXCEPTION
    assert shown(event.original_start) == SLOTS[1]


def test_two_overrides_may_land_on_one_day() -> None:
    parts = [override(s, "DTSTART:20260310T100000Z") for s in ("20260302T100000", "20260309T100000")]
    assert standing(read(feed(entry(*WEEKLY), *parts))) == ["2026-03-10T10:00"] * 2 + SLOTS[2:]


def test_the_leftover_of_an_earlier_version_of_the_series_is_dropped() -> None:
    master = entry("DTSTART:20260303T100000Z", "RRULE:FREQ=WEEKLY;COUNT=2", "SEQUENCE:5")
    leftover = override("20260309T100000", "DTSTART:20260309T090000Z", "RRULE:FREQ=WEEKLY", "SEQUENCE:1")
    assert standing(read(feed(master, leftover))) == ["2026-03-03T10:00", "2026-03-10T10:00"]


# This and future


def test_this_and_future_moves_all_later_occurrences_by_as_much() -> None:
    params = ";RANGE=THISANDFUTURE;TZID=Europe/Rome"
    lines = ("DTSTART;TZID=Europe/Rome:20260317T160000", "DURATION:PT2H")
    reading = read(feed(entry(*WEEKLY), override("20260316T100000", *lines, params=params)))
    assert standing(reading) == [*SLOTS[:2], "2026-03-17T15:00", "2026-03-24T15:00"]
    last = of_slot(reading.events, SLOTS[3])
    assert (shown(last.end), shown(last.original_end)) == ("2026-03-24T17:00", "2026-03-23T10:00")
    assert len({e.provider_event_id for e in reading.events}) == 4


def test_an_override_of_one_slot_wins_over_this_and_future() -> None:
    future = override(
        "20260309T100000",
        "DTSTART;TZID=Europe/Rome:20260309T120000",
        params=";RANGE=THISANDFUTURE;TZID=Europe/Rome",
    )
    single = override("20260316T100000", "DTSTART:20260318T100000Z")
    assert standing(read(feed(entry(*WEEKLY), future, single))) == [
        SLOTS[0], "2026-03-09T11:00", "2026-03-18T10:00", "2026-03-23T11:00",
    ]  # fmt: skip


def test_a_cancelled_this_and_future_ends_the_series() -> None:
    params = ";RANGE=THISANDFUTURE;TZID=Europe/Rome"
    lines = ("DTSTART;TZID=Europe/Rome:20260316T100000", "STATUS:CANCELLED")
    reading = read(feed(entry(*WEEKLY), override("20260316T100000", *lines, params=params)))
    assert (standing(reading), cancelled(reading)) == (SLOTS[:2], SLOTS[2:])


# Dates taken out


@pytest.mark.parametrize(
    "exdate",
    [
        "EXDATE;TZID=Europe/Rome:20260309T100000",
        "EXDATE:20260309T090000Z",
        "EXDATE;TZID=America/New_York:20260309T050000",
        "EXDATE:20260309T100000",
        "EXDATE;VALUE=DATE:20260309",
        "EXDATE:20260309",
        "EXDATE;VALUE=DATE:20260101,20260309",
    ],
)
def test_a_slot_named_by_exdate_is_a_cancelled_occurrence(exdate: str) -> None:
    reading = read(feed(entry(*WEEKLY, exdate, "LAST-MODIFIED:20260301T120000Z")))
    assert (cancelled(reading), standing(reading)) == ([SLOTS[1]], [SLOTS[0], *SLOTS[2:]])
    event = of_slot(reading.events, SLOTS[1])
    assert (event.kind, shown(event.updated_at)) == (EventKind.OCCURRENCE, "2026-03-01T12:00")


@pytest.mark.parametrize(("organiser", "is_known"), [("ana@example.com", False), ("ben@example.com", True)])
def test_what_a_guests_series_leaves_out_accuses_nobody(organiser: str, is_known: bool) -> None:
    guests = (f"ORGANIZER:mailto:{organiser}", "ATTENDEE:mailto:ben@example.com")
    data = feed(entry(*WEEKLY, *guests, "EXDATE:20260309T090000Z", "LAST-MODIFIED:20260301T120000Z"))
    reading = read(data, rules=TagRules(owner=frozenset({"ben@example.com"})))
    left_out = of_slot(reading.events, SLOTS[1])
    assert observe_first(left_out, {}, datetime(2026, 4, 1, tzinfo=UTC))[-1].by_organiser is is_known


@pytest.mark.parametrize(
    "exdate", ["EXDATE;VALUE=DATE:20260309", "EXDATE:20260309T000000Z", "EXDATE:20260309T000000"]
)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_exdate_of_an_all_day_series(exdate: str, zone: str) -> None:
    reading = read(feed(entry(*DAYS, exdate)), zone=zone)
    assert (cancelled(reading), standing(reading)) == (["2026-03-09"], ["2026-03-02", "2026-03-16"])


def test_exdate_may_take_the_first_occurrence() -> None:
    assert standing(read(feed(entry(*WEEKLY, "EXDATE:20260302T090000Z")))) == SLOTS[1:]


def test_exdate_of_no_slot_is_nothing() -> None:
    assert cancelled(read(feed(entry(*WEEKLY, "EXDATE:20260304T090000Z")))) == []


def test_exdate_wins_over_an_override_that_was_left_behind() -> None:
    master = entry(*WEEKLY, "EXDATE:20260309T090000Z")
    reading = read(feed(master, override("20260309T100000", "DTSTART:20260310T100000Z")))
    assert (cancelled(reading), standing(reading)) == ([SLOTS[1]], [SLOTS[0], *SLOTS[2:]])


def test_an_unreadable_exdate_is_told_and_costs_nothing_else() -> None:
    reading = read(feed(entry(*WEEKLY, "EXDATE:never", "EXDATE:")))
    assert standing(reading) == SLOTS
    assert "could not be read" in reading.events[0].issues[0]


def test_exrule_takes_out_what_it_names() -> None:
    reading = read(feed(entry(*WEEKLY, "EXRULE:FREQ=WEEKLY;INTERVAL=2")))
    assert standing(reading) == [SLOTS[1], SLOTS[3]]


# Dates put in


def test_rdate_adds_a_slot() -> None:
    reading = read(feed(entry(*WEEKLY, "RDATE;TZID=Europe/Rome:20260311T100000")))
    assert standing(reading) == [*SLOTS[:2], "2026-03-11T09:00", *SLOTS[2:]]


def test_rdate_alone_makes_a_series() -> None:
    reading = read(feed(entry("DTSTART:20260302T100000Z", "RDATE:20260305T100000Z,20260306T100000Z")))
    assert standing(reading) == ["2026-03-02T10:00", "2026-03-05T10:00", "2026-03-06T10:00"]


def test_rdate_that_names_a_slot_does_not_double_it() -> None:
    assert standing(read(feed(entry(*WEEKLY, "RDATE:20260309T090000Z")))) == SLOTS


@pytest.mark.parametrize("period", ["20260311T090000Z/20260311T120000Z", "20260311T090000Z/PT3H"])
def test_a_period_brings_its_own_length(period: str) -> None:
    reading = read(feed(entry(*WEEKLY, f"RDATE;VALUE=PERIOD:{period}")))
    assert shown(of_slot(reading.events, "2026-03-11T09:00").end) == "2026-03-11T12:00"


def test_a_date_put_into_a_series_of_times_takes_its_time_of_day() -> None:
    assert "2026-03-11T09:00" in standing(read(feed(entry(*WEEKLY, "RDATE;VALUE=DATE:20260311"))))


# Where a series ends


@pytest.mark.parametrize(
    "until", ["20260316", "20260316T090000Z", "20260316T100000", "20260317T000000Z", "20260316T235959"]
)
def test_until_keeps_the_last_day(until: str) -> None:
    weekly = entry("DTSTART;TZID=Europe/Rome:20260302T100000", f"RRULE:FREQ=WEEKLY;UNTIL={until}")
    assert standing(read(feed(weekly))) == SLOTS[:3]


@pytest.mark.parametrize(
    ("until", "zone"),
    [
        ("20260316", "UTC"),
        ("20260316T225959Z", "Europe/Rome"),
        ("20260316T000000Z", "America/Los_Angeles"),
        ("20260316T000000Z", "Pacific/Auckland"),
        ("20260317T045959Z", "America/New_York"),
    ],
)
def test_until_of_an_all_day_series(until: str, zone: str) -> None:
    weekly = entry("DTSTART;VALUE=DATE:20260302", f"RRULE:FREQ=WEEKLY;UNTIL={until}")
    assert standing(read(feed(weekly), zone=zone)) == ["2026-03-02", "2026-03-09", "2026-03-16"]


def test_until_before_the_start_is_how_some_programs_delete() -> None:
    assert read(feed(entry("DTSTART:20260302T100000Z", "RRULE:FREQ=WEEKLY;UNTIL=20260301"))).events == ()


def test_two_equal_rules_are_one() -> None:
    assert standing(read(feed(entry(*WEEKLY, WEEKLY[-1])))) == SLOTS


def test_two_rules_add_up() -> None:
    reading = read(feed(entry(*WEEKLY, "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=1")))
    assert standing(reading) == [SLOTS[0], "2026-03-04T09:00", *SLOTS[1:]]


def test_a_broken_rule_sets_the_series_aside_but_not_its_overrides() -> None:
    master = entry("DTSTART:20260302T100000Z", "RRULE:FREQ=DAILY;INTERVAL=0")
    reading = read(feed(master, override("20260309T100000", "DTSTART:20260310T100000Z")))
    assert standing(reading) == ["2026-03-10T10:00"]
    assert len(reading.set_aside) == 1


def test_a_split_series_shares_its_lineage() -> None:
    later = entry("DTSTART:20260316T120000Z", uid="x_R20260316T090000@google.com")
    reading = read(feed(entry("DTSTART:20260302T100000Z", uid="x@google.com"), later))
    assert {e.lineage for e in reading.events} == {"x@google.com"}
    assert len({e.provider_event_id for e in reading.events}) == 2


# Called off


def test_a_cancelled_master_cancels_every_occurrence() -> None:
    reading = read(feed(entry(*WEEKLY, "STATUS:CANCELLED")))
    assert (cancelled(reading), standing(reading)) == (SLOTS, [])


def test_an_override_that_is_newer_than_the_cancelled_master_stands() -> None:
    master = entry(*WEEKLY, "STATUS:CANCELLED", "SEQUENCE:1")
    newer = override("20260309T100000", "DTSTART:20260310T100000Z", "SEQUENCE:2")
    assert standing(read(feed(master, newer))) == ["2026-03-10T10:00"]


def test_method_cancel_cancels() -> None:
    reading = read(feed(entry(*WEEKLY), head="METHOD:CANCEL\r\n"))
    assert cancelled(reading) == SLOTS


def test_method_cancel_without_the_rule_cancels_the_series_before_it() -> None:
    data = feed(entry(*WEEKLY, "SEQUENCE:0")) + feed(
        entry("DTSTART;TZID=Europe/Rome:20260302T100000", "SEQUENCE:1"), head="METHOD:CANCEL\r\n"
    )
    assert cancelled(read(data)) == SLOTS


def test_a_reply_does_not_replace_the_meeting() -> None:
    data = feed(entry(*WEEKLY)) + feed(
        entry("DTSTART:20260501T100000Z", "SEQUENCE:9"), head="METHOD:REPLY\r\n"
    )
    assert standing(read(data)) == SLOTS


def test_a_tentative_meeting_is_tentative() -> None:
    (event,) = read(feed(entry("DTSTART:20260302T100000Z", "STATUS:TENTATIVE"))).events
    assert event.status is EventStatus.TENTATIVE


# Whose occurrences count


def test_a_marker_on_the_master_covers_an_override_without_it() -> None:
    moved = entry("RECURRENCE-ID:20260309T090000Z", "DTSTART:20260310T100000Z", title="Moved")
    assert len(read(feed(entry(*WEEKLY), moved)).events) == 4


def test_a_marker_on_an_override_covers_it_alone() -> None:
    moved = override("20260309T100000", "DTSTART:20260310T100000Z")
    assert standing(read(feed(entry(*WEEKLY, title="Team"), moved))) == ["2026-03-10T10:00"]


def test_entries_without_uid_are_not_one_another() -> None:
    lines = ("DTSTART:20260302T100000Z",)
    data = feed(*(entry(*lines, uid="", title=f"#mentoring {n % 2}") for n in range(3)))
    events = read(data).events
    assert len({e.provider_event_id for e in events}) == 3
    assert events == read(data).events


def test_everything_can_be_shown() -> None:
    assert len(read(feed(entry(*WEEKLY, title="Team")), rules=EVERYTHING).events) == 4
