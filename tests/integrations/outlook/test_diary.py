"""Sessions that Cadencia writes into Outlook calendars, and when people are free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest

from integrations.outlook.diary import OutlookDiary, windows_name
from integrations.outlook.mapping import find_zone
from integrations.outlook.payload import REFERENCE_ID
from integrations.providers import SettingsDiaries
from tests.fakes.graph.mailbox import Refused, write_time
from tests.fakes.graph.mirror import graph_id
from tests.fakes.graph.shapes import Event
from tests.integrations.outlook.conftest import (
    ANA,
    BEN,
    DAY,
    EVE,
    LENGTH,
    MONDAY,
    WEEK,
    Reading,
    event,
    series,
    standing,
)
from tests.integrations.outlook.test_consent import Own
from tracker.errors import ConnectorError, RateLimited
from tracker.events import CopyRole, TagRule, Window
from tracker.ports import Entry, Invitee, Meeting
from tracker.tags import TagRules

REFERENCE = "c1-" + "a" * 52
MEETING = Meeting(
    reference=REFERENCE,
    title="Mentoring: Ana and Ben",
    notes="Written by Cadencia #mentoring",
    starts_at=MONDAY,
    ends_at=MONDAY + LENGTH,
    timezone="Europe/Madrid",
    invitees=(Invitee("Ana", ANA), Invitee("Ben", BEN)),
    online=True,
)
MADRID = windows_name("Europe/Madrid", 2026)
LATER = MONDAY + DAY
HOUR = timedelta(hours=1)


def diary(reading: Reading, access: Own | None = None) -> OutlookDiary:
    """Open somebody's calendar for writing, as the registry does."""
    found = SettingsDiaries(reading.graph.settings()).open("outlook", reading.box.owner, access)
    assert isinstance(found, OutlookDiary)
    return found


def stored(reading: Reading) -> list[Event]:
    """Return what stands in somebody's calendar."""
    return [kept.event for kept in reading.box.items.values() if kept.folder is None]


def starts(reading: Reading) -> list[str]:
    return [e.start.date_time[:16] for e in stored(reading)]


def code_of(deed: Any, *arguments: object) -> str:
    with pytest.raises(ConnectorError) as caught:
        deed(*arguments)
    return caught.value.code


# Writing


def test_session_is_written_with_all_that_it_needs(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    (only,) = stored(ana)
    assert (entry.provider_event_id, entry.starts_at, entry.ends_at) == (only.id, MONDAY, MONDAY + LENGTH)
    assert (only.subject, only.categories) == (MEETING.title, ["Mentoring"])
    assert [a.email_address.address for a in only.attendees] == [BEN]
    assert [(p.id, p.value) for p in only.single_value_extended_properties] == [(REFERENCE_ID, REFERENCE)]
    assert (only.start, only.original_start_time_zone) == (write_time(MONDAY), MADRID)
    assert only.online_meeting is not None


def test_session_in_a_room_has_no_link(ana: Reading) -> None:
    diary(ana).create(replace(MEETING, online=False))
    assert stored(ana)[0].online_meeting is None


@pytest.mark.parametrize(("zone", "name"), [
    ("America/Argentina/Ushuaia", "Argentina Standard Time"), ("America/Bogota", "SA Pacific Standard Time"),
    ("Europe/Paris", "Romance Standard Time"), ("Pacific/Chatham", "Chatham Islands Standard Time"),
    ("Antarctica/Troll", "UTC"), ("Nowhere/Land", "UTC"),
])  # fmt: skip
def test_zone_is_written_as_exchange_calls_it(ana: Reading, zone: str, name: str) -> None:
    """Its clocks show the same all year; where there is none like it, in UTC."""
    diary(ana).create(replace(MEETING, timezone=zone))
    (only,) = stored(ana)
    assert only.start == write_time(MONDAY)
    found = find_zone(only.original_start_time_zone)
    assert found is not None
    if name == "UTC":
        assert only.original_start_time_zone == name
    else:
        expected = find_zone(name)
        assert [(MONDAY + n * WEEK).astimezone(found).hour for n in range(52)] == [
            (MONDAY + n * WEEK).astimezone(expected).hour for n in range(52)
        ]


def test_own_session_is_known_again_by_its_reference(ana: Reading) -> None:
    entry = diary(ana).create(replace(MEETING, title="Coffee"))
    ana.rules = TagRules(is_ours=lambda reference: reference == REFERENCE)
    (found,) = ana.pull().events
    assert (found.provider_event_id, found.session_ref) == (entry.provider_event_id, REFERENCE)
    assert (found.tag_rule, found.copy_role) == (TagRule.CADENCIA, CopyRole.ORGANISER)


def test_own_session_stays_ours_though_somebody_takes_its_category_away(ana: Reading) -> None:
    diary(ana).create(replace(MEETING, title="Coffee"))
    ana.rules = TagRules(is_ours=lambda reference: reference == REFERENCE)
    ana.pull()
    ana.box.put(msgspec.structs.replace(stored(ana)[0], categories=[]))
    pull = ana.pull()
    assert [e.tag_rule for e in pull.events] == [TagRule.CADENCIA]
    assert pull.vanished == ()


def test_reference_that_others_signed_is_no_reference(ana: Reading) -> None:
    diary(ana).create(MEETING)
    ana.rules = TagRules(is_ours=lambda _: False)
    (found,) = ana.pull().events
    assert (found.session_ref, found.tag_rule) == (None, TagRule.MARKER)


def test_guest_gets_an_invitation(ana: Reading, ben: Reading) -> None:
    diary(ana).create(MEETING)
    (copy,) = stored(ben)
    assert (copy.is_organizer, copy.ical_uid) == (False, stored(ana)[0].ical_uid)


# Twice


def test_second_try_finds_the_first(ana: Reading) -> None:
    first = diary(ana).create(MEETING)
    assert diary(ana).create(MEETING) == first
    assert len(stored(ana)) == 1


@pytest.mark.parametrize("on_duplicate", ["refuse", "conflict", "repeat", "forget"])
def test_crash_after_writing_leaves_one_entry(
    ana: Reading, waits: list[float], on_duplicate: Literal["refuse", "conflict", "repeat", "forget"]
) -> None:
    """Whatever Graph makes of a transaction that it has seen."""
    ana.graph.writing.on_duplicate = on_duplicate
    if on_duplicate == "forget":
        ana.graph.faults.append(Refused(500, "generalException"))  # before anything was written
    else:
        ana.graph.writing.crashes = 1
    entry = diary(ana).create(MEETING)
    assert [e.id for e in stored(ana)] == [entry.provider_event_id]
    assert diary(ana).create(MEETING).provider_event_id == entry.provider_event_id


def test_entry_that_is_not_listed_yet_is_not_written_twice(ana: Reading) -> None:
    first = diary(ana).create(MEETING)
    ana.graph.writing.blind = 1
    assert diary(ana).create(MEETING) == first
    assert len(stored(ana)) == 1


def test_entry_that_is_still_not_listed_is_left_for_later(ana: Reading) -> None:
    diary(ana).create(MEETING)
    ana.graph.writing.blind = 2
    assert code_of(diary(ana).create, MEETING) == "server_error"
    assert len(stored(ana)) == 1


def test_cancelled_entry_is_not_taken_for_the_session(ana: Reading) -> None:
    diary(ana).create(MEETING)
    ana.box.put(msgspec.structs.replace(stored(ana)[0], is_cancelled=True))
    ana.graph.writing.on_duplicate = "forget"
    assert not diary(ana).create(MEETING).is_cancelled


def test_move_needs_no_etag_where_graph_honours_none(ana: Reading) -> None:
    ana.graph.writing.ignores_etags = True
    entry = diary(ana).create(MEETING)
    moved = diary(ana).move(entry, LATER, LATER + LENGTH)
    assert code_of(diary(ana).move, entry, MONDAY + WEEK, MONDAY + WEEK + LENGTH) == "changed"
    assert moved.starts_at == LATER


def test_other_session_is_another_entry(ana: Reading) -> None:
    diary(ana).create(MEETING)
    diary(ana).create(replace(MEETING, reference="c1-" + "b" * 52))
    assert len(stored(ana)) == 2


def test_session_that_was_called_off_is_written_anew(ana: Reading) -> None:
    first = diary(ana).create(MEETING)
    diary(ana).cancel(first)
    ana.graph.writing.on_duplicate = "forget"
    assert diary(ana).create(MEETING).provider_event_id != first.provider_event_id


# Looking


def test_entry_is_looked_at(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    assert diary(ana).look(entry.provider_event_id) == entry


def test_entry_that_never_was_is_none(ana: Reading) -> None:
    assert diary(ana).look("AAkA_nothing=") is None


@pytest.mark.parametrize("finds_deleted", [True, False])
def test_entry_that_was_deleted_is_none(ana: Reading, *, finds_deleted: bool) -> None:
    ana.box.finds_deleted = finds_deleted
    entry = diary(ana).create(MEETING)
    ana.box.delete(entry.provider_event_id)
    assert diary(ana).look(entry.provider_event_id) is None


def test_guests_cancelled_copy_says_so(ana: Reading, ben: Reading) -> None:
    diary(ana).cancel(diary(ana).create(MEETING))
    found = diary(ben).look(stored(ben)[0].id)
    assert found is not None
    assert found.is_cancelled


# Moving


def test_moved_session_moves_for_both(ana: Reading, ben: Reading) -> None:
    entry = diary(ana).create(MEETING)
    moved = diary(ana).move(entry, LATER, LATER + LENGTH)
    assert (moved.provider_event_id, moved.starts_at) == (entry.provider_event_id, LATER)
    assert starts(ana) == starts(ben) == ["2026-03-03T10:00"]
    assert diary(ana).look(entry.provider_event_id) == moved


def test_moved_session_keeps_the_zone_it_was_made_in(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    ana.graph.asked.clear()
    summer = MONDAY + 8 * WEEK
    assert diary(ana).move(entry, summer, summer + LENGTH).starts_at == summer
    assert stored(ana)[0].start == write_time(summer)


def test_session_that_somebody_moved_is_not_moved_over(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    diary(ana).move(entry, LATER, LATER + LENGTH)
    assert code_of(diary(ana).move, entry, MONDAY + WEEK, MONDAY + WEEK + LENGTH) == "changed"
    assert starts(ana) == ["2026-03-03T10:00"]


def test_second_move_to_the_same_time_is_done_already(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    first = diary(ana).move(entry, LATER, LATER + LENGTH)
    assert diary(ana).move(entry, LATER, LATER + LENGTH) == first


def test_guests_answer_is_no_change(ana: Reading, ben: Reading) -> None:
    entry = diary(ana).create(MEETING)
    ana.graph.writing.respond(BEN, stored(ana)[0], "accepted")
    assert diary(ana).move(entry, LATER, LATER + LENGTH).starts_at == LATER


def test_change_between_look_and_deed_is_seen(ana: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """If-Match: whoever was faster wins."""
    entry = diary(ana).create(MEETING)
    patch, faster = ana.graph.writing.patch, MONDAY + 2 * DAY

    def meanwhile(box: Any, event_id: str, body: bytes, if_match: str | None) -> Any:
        monkeypatch.setattr(ana.graph.writing, "patch", patch)
        box.put(
            msgspec.structs.replace(stored(ana)[0], start=write_time(faster), end=write_time(faster + HOUR))
        )
        return patch(box, event_id, body, if_match)

    monkeypatch.setattr(ana.graph.writing, "patch", meanwhile)
    assert code_of(diary(ana).move, entry, LATER, LATER + LENGTH) == "changed"
    assert starts(ana) == ["2026-03-04T10:00"]


def test_answer_between_look_and_deed_is_looked_at_again(
    ana: Reading, ben: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = diary(ana).create(MEETING)
    patch = ana.graph.writing.patch

    def meanwhile(box: Any, event_id: str, body: bytes, if_match: str | None) -> Any:
        monkeypatch.setattr(ana.graph.writing, "patch", patch)
        ana.graph.writing.respond(BEN, stored(ana)[0], "accepted")
        return patch(box, event_id, body, if_match)

    monkeypatch.setattr(ana.graph.writing, "patch", meanwhile)
    assert diary(ana).move(entry, LATER, LATER + LENGTH).starts_at == LATER


def test_session_that_is_gone_can_not_be_moved(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    ana.box.delete(entry.provider_event_id)
    assert code_of(diary(ana).move, entry, LATER, LATER + LENGTH) == "not_found"


def test_one_occurrence_of_a_series_moves_alone(ana: Reading) -> None:
    ana.box.put(*series("s", [MONDAY, MONDAY + WEEK, MONDAY + 2 * WEEK]))
    entry = diary(ana).look(graph_id("s 20260309"))
    assert entry is not None
    late = MONDAY + WEEK + DAY
    assert diary(ana).move(entry, late, late + LENGTH).starts_at == late
    assert standing(ana.pull()) == [MONDAY, late, MONDAY + 2 * WEEK]


# Calling off


def test_cancelled_session_goes_and_the_guest_is_told(ana: Reading, ben: Reading) -> None:
    diary(ana).cancel(diary(ana).create(MEETING))
    assert stored(ana) == []
    assert [e.is_cancelled for e in stored(ben)] == [True]


def test_second_cancel_is_done_already(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    diary(ana).cancel(entry)
    diary(ana).cancel(entry)
    assert ana.graph.targets().count(f"events/{entry.provider_event_id.replace('=', '%3D')}/cancel") == 1


def test_session_that_somebody_moved_is_not_called_off(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    diary(ana).move(entry, LATER, LATER + LENGTH)
    assert code_of(diary(ana).cancel, entry) == "changed"
    assert len(stored(ana)) == 1


def test_one_occurrence_of_a_series_is_called_off_alone(ana: Reading) -> None:
    ana.box.put(*series("s", [MONDAY, MONDAY + WEEK]))
    entry = diary(ana).look(graph_id("s 20260309"))
    assert entry is not None
    diary(ana).cancel(entry)
    assert standing(ana.pull()) == [MONDAY]


def test_guest_can_not_call_off(ana: Reading, ben: Reading) -> None:
    diary(ana).create(MEETING)
    entry = diary(ben).look(stored(ben)[0].id)
    assert entry is not None
    assert code_of(diary(ben).cancel, entry) == "refused"


# Free and busy

WINDOW = Window(MONDAY - 2 * HOUR, MONDAY + 4 * HOUR)


def at(hours: float, length: float = 1) -> dict[str, Any]:
    start = MONDAY + hours * HOUR
    return {"start": write_time(start), "end": write_time(start + length * HOUR)}


def busy(hours: float, length: float) -> Window:
    return Window(MONDAY + hours * HOUR, MONDAY + (hours + length) * HOUR)


def test_busy_times_have_no_overlaps(ana: Reading, ben: Reading) -> None:
    ben.box.put(event("a", **at(0), subject="Secret"))
    ben.box.put(event("b", **at(0.5), subject="Secret"))
    ben.box.put(event("c", **at(3, 4), subject="Secret"))
    found = diary(ana).free_busy([ANA, BEN], WINDOW)
    assert found == {ANA: (), BEN: (busy(0, 1.5), busy(3, 1))}


@pytest.mark.parametrize(("shown", "is_busy"), [
    ("free", False), ("workingElsewhere", False), ("tentative", True), ("busy", True), ("oof", True),
    ("unknown", True),
])  # fmt: skip
@pytest.mark.parametrize("slots", [True, False])
def test_what_is_not_sure_is_not_given_away(
    ana: Reading, ben: Reading, shown: Any, *, is_busy: bool, slots: bool
) -> None:
    """Some let others see no entries, but only whether they are free."""
    if slots:
        ana.graph.shows_only_slots.add(BEN)
    ben.box.put(event("a", **at(0), show_as=shown))
    assert diary(ana).free_busy([BEN], WINDOW)[BEN] == ((busy(0, 1),) if is_busy else ())


def test_nobody_can_tell_of_whom_exchange_does_not_know(ana: Reading, ben: Reading) -> None:
    assert diary(ana).free_busy([EVE, BEN], WINDOW) == {EVE: None, BEN: ()}


def test_many_people_are_asked_for_in_twenties(ana: Reading) -> None:
    people = [f"p{n}@example.com" for n in range(45)]
    assert set(diary(ana).free_busy(people, WINDOW)) == set(people)
    assert ana.graph.targets() == ["calendar/getSchedule"] * 3


def test_long_window_is_asked_for_in_pieces(ana: Reading, ben: Reading) -> None:
    ben.box.put(event("a", **at(0)))
    ben.box.put(event("b", **at(24 * 100)))
    found = diary(ana).free_busy([BEN], Window(MONDAY - 2 * HOUR, MONDAY + 130 * DAY))
    assert found[BEN] == (busy(0, 1), busy(2400, 1))
    assert ana.graph.targets() == ["calendar/getSchedule"] * 3


def test_short_window_is_asked_for_as_well(ana: Reading, ben: Reading) -> None:
    ben.box.put(event("a", **at(0)))
    window = Window(MONDAY, MONDAY + HOUR / 12)
    assert diary(ana).free_busy([BEN], window)[BEN] == (window,)


def test_address_is_answered_for_as_it_was_asked_for(ana: Reading, ben: Reading) -> None:
    assert diary(ana).free_busy(["Ben@Example.com"], WINDOW) == {"Ben@Example.com": ()}


# Rights, limits, refusals


@pytest.mark.parametrize("deed", ["create", "move", "cancel"])
def test_application_that_may_only_read_is_told_so(ana: Reading, deed: str) -> None:
    entry = diary(ana).create(MEETING)
    ana.graph.desk.roles = ("Calendars.Read",)
    ana.graph.desk.kill_tokens()
    deeds: dict[str, tuple[Any, ...]] = {
        "create": (replace(MEETING, reference="c1-other"),),
        "move": (entry, LATER, LATER + LENGTH),
        "cancel": (entry,),
    }
    assert code_of(getattr(diary(ana), deed), *deeds[deed]) == "no_right"
    assert starts(ana) == ["2026-03-02T10:00"]


def test_consent_to_reading_is_none_to_writing(ana: Reading) -> None:
    access = Own([ana.graph.desk.let_in(ANA, "Calendars.Read")])
    assert code_of(diary(ana, access).create, MEETING) == "no_scope"


def test_own_consent_writes_into_the_own_calendar(ana: Reading) -> None:
    access = Own([ana.graph.desk.let_in(ANA, "Calendars.ReadWrite")])
    entry = diary(ana, access).create(MEETING)
    moved = diary(ana, access).move(entry, LATER, LATER + LENGTH)
    diary(ana, access).cancel(moved)
    assert stored(ana) == []
    assert ana.graph.desk.requests == 0


def test_writing_waits_as_long_as_it_is_asked_to(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.extend(
        [
            Refused(429, "ApplicationThrottled", {"Retry-After": "7"}),
            Refused(503, "busy", {"Retry-After": "9"}),
        ]
    )
    diary(ana).create(MEETING)
    assert [int(w) for w in waits] == [7, 9]
    assert len(stored(ana)) == 1


def test_writing_keeps_to_three_at_once(ana: Reading, ben: Reading) -> None:
    """Reading and writing, by the company's key and by the person's own, count together for one mailbox."""
    ana.graph.latency_s = 0.05
    access = Own([ana.graph.desk.let_in(ANA, "Calendars.ReadWrite")])

    def ask(number: int) -> object:
        return diary(ana, access if number % 2 else None).create(
            replace(MEETING, reference=f"c1-{number}", online=False)
        )

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(12)))
    assert len(stored(ana)) == 12
    assert ana.graph.most_in_all == 3


def test_long_wait_is_the_callers(ana: Reading, waits: list[float]) -> None:
    ana.graph.faults.append(Refused(429, "ApplicationThrottled", {"Retry-After": "600"}))
    with pytest.raises(RateLimited) as caught:
        diary(ana).create(MEETING)
    assert (caught.value.retry_after_s, waits) == (600, [])


def test_mailbox_that_is_gone_is_named(ana: Reading) -> None:
    found = diary(ana)
    del ana.graph.mailboxes[ANA]
    assert code_of(found.create, MEETING) == "no_account"


def test_sign_in_page_in_between_is_no_entry(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    ana.graph.raw = b"<html>Sign in</html>"
    assert code_of(diary(ana).look, entry.provider_event_id) == "not_a_calendar"
    assert code_of(diary(ana).free_busy, [BEN], WINDOW) == "not_a_calendar"


def test_entry_shows_no_title(ana: Reading) -> None:
    entry = diary(ana).create(MEETING)
    assert isinstance(entry, Entry)
    assert "Ben" not in repr(entry)
    assert entry.starts_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
