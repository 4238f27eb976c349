"""The fast way through a feed finds what parsing everything finds."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.ical import reader, scan
from integrations.ical.zones import UTC_ZONE
from tests.integrations.ical.feeds import entry, feed, read, standing
from tracker.errors import BadPayload
from tracker.tags import TagRules

START = "DTSTART:20260302T100000Z"
RULES = TagRules(
    owner=frozenset({"ana@example.com"}),
    partners=(frozenset({"berta@example.com", "b.nunez@example.com"}),),
    markers=("1:1, grow", "acompa\xf1amiento", "\u5bfc\u5e08", "a\\b;c"),
    program_addresses=frozenset({"mentoring@example.com"}),
    is_ours=lambda reference: reference.startswith("ok"),
)
TITLES = (
    "#mentoring", "#MENTORING now", "Sesi\xf3n #mentor\xeda", "#mentoringweek", "[Mentoring] x", "Coffee", "",
    "1:1\\, grow", "1:1\\,   Grow", "ACOMPA\xd1AMIENTO", "\u5bfc\u5e08", "\uff03\uff4dentoring", "a\\\\b\\;c",
    "\\#ment\\oring", "#ment\u200boring", "mentoring", "#mento\\nring", "Reuni\xf3n", "\u212a1:1, grow",
)  # fmt: skip
LINES = (
    "CATEGORIES:Mentoring", "CATEGORIES:Blue,TUTOR\xcdA", "categories;language=es:Mentor\xeda",
    "CATEGORIES:Red",
    "ATTENDEE;CN=B:mailto:Berta@Example.com", "ATTENDEE:MAILTO:b.nunez@example.com", "ATTENDEE:mailto:x@y.z",
    'ORGANIZER;EMAIL="ana@example.com":mailto:2_X@imip.me.com', "ATTENDEE:mailto:mentoring@example.com",
    "ATTENDEE:mailto:ber\u212aa@example.com", "X-CADENCIA:ok.1", "X-CADENCIA:no.1", "x-cadencia;x=y:ok.2",
    "RRULE:FREQ=WEEKLY;COUNT=3", "RECURRENCE-ID:20260309T100000Z", "STATUS:CANCELLED",
    "DTEND:20260302T110000Z",
    "DESCRIPTION:#mentoring is here but does not count", "EXDATE:20260309T100000Z", "RRULE:FREQ=HOURLY",
    "BEGIN:VALARM\r\nSUMMARY:#mentoring\r\nUID:a\r\nATTENDEE:mailto:berta@example.com\r\nEND:VALARM",
    "DTSTART;TZID=Nowhere:20260302T100000", "COMMENT:END:VEVENT", "SUMMARY:#mentoring again",
)  # fmt: skip
UIDS = ("a", "b", "c@example.com", "C@example.com", "d\\,e", "", "\xe9", "a ")


def make_feed(luck: random.Random) -> bytes:
    """Return a calendar of odd entries, folded in odd places."""
    entries = []
    for _ in range(luck.randint(0, 7)):
        lines = [START, *luck.sample(LINES, luck.randint(0, 4))]
        luck.shuffle(lines)
        title = luck.choice(TITLES)
        title = unicodedata.normalize(luck.choice(["NFC", "NFD"]), title)
        entries.append(entry(*lines, uid=luck.choice(UIDS), title=title))
    data = feed(*entries, head=luck.choice(["", "", "METHOD:PUBLISH\r\n", "X-WR-TIMEZONE:Asia/Tokyo\r\n"]))
    if luck.random() < 0.3:
        data = data.replace("\xed".encode(), b"\xed")  # as before UTF-8
    if luck.random() < 0.5:
        data = fold_anywhere(data, luck)
    newline = luck.choice([b"\r\n", b"\n", b"\r\n"])
    return data.replace(b"\r\n", newline)


def fold_anywhere(data: bytes, luck: random.Random) -> bytes:
    """Return `data` folded where nobody would: in names, in markers, in the middle of a character."""
    folded = bytearray()
    for n, byte in enumerate(data):
        after_break = data[n - 1 : n] in (b"\r", b"\n", b"")
        if luck.random() < 0.1 and byte not in b"\r\n" and not after_break:
            folded += luck.choice([b"\r\n ", b"\r\n\t"])
        folded.append(byte)
    return bytes(folded)


@pytest.mark.parametrize("block", range(8))
def test_the_fast_way_finds_what_parsing_everything_finds(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    luck = random.Random(block)  # 8 x 250 calendars
    fast_pick, found = scan.pick_blocks, 0
    for _ in range(250):
        data = make_feed(luck)
        monkeypatch.setattr(reader, "pick_blocks", fast_pick)
        fast = read(data, rules=RULES)
        monkeypatch.setattr(reader, "pick_blocks", lambda feed, _: set(range(len(feed.blocks))))
        slow = read(data, rules=RULES)
        by_id = [sorted(r.events, key=lambda e: e.provider_event_id) for r in (fast, slow)]
        assert by_id[0] == by_id[1], data
        assert set(fast.set_aside) == set(slow.set_aside), data
        found += len(fast.events)
    assert found > 250


def test_most_of_a_feed_is_never_parsed() -> None:
    data = feed(*(entry(START, uid=str(n), title="#mentoring" if n == 7 else "Team") for n in range(50)))
    opened = scan.open_feed(data, UTC_ZONE)
    assert scan.pick_blocks(opened, TagRules()) == {7}


def test_an_override_comes_with_its_master_without_a_marker_of_its_own() -> None:
    parts = [
        entry(START, "RRULE:FREQ=WEEKLY;COUNT=2"),
        entry(START, uid="other", title="Team"),
        entry("RECURRENCE-ID:20260309T100000Z", "DTSTART:20260310T100000Z", title="Moved"),
    ]
    assert standing(read(feed(*parts))) == ["2026-03-02T10:00", "2026-03-10T10:00"]


def test_uids_are_case_sensitive() -> None:
    parts = [entry(START, uid="X"), entry("DTSTART:20260303T100000Z", uid="x", title="Team")]
    assert standing(read(feed(*parts))) == ["2026-03-02T10:00"]


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r"])
def test_any_line_ending(newline: bytes) -> None:
    data = feed(entry(START)).replace(b"\r\n", newline)
    assert standing(read(data)) == ["2026-03-02T10:00"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark(encoding: str) -> None:
    data = feed(entry(START, title="#mentor\xeda")).decode().encode(encoding)
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_text_from_before_utf_8() -> None:
    data = feed(entry(START, title="#mentor\xeda")).decode().encode("cp1252")
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_a_fold_in_the_middle_of_a_character() -> None:
    data = feed(entry(START, title="#mentor\xeda")).replace(b"\xc3\xad", b"\xc3\r\n \xad")
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_nul_bytes_are_passed_over() -> None:
    data = feed(entry(START, title="#men\0toring"))
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_separators_of_unicode_end_no_line() -> None:
    data = feed(entry(START, title="a\u2028END:VEVENT\x0b\x85 #mentoring"))
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_several_calendars_in_one_file_keep_their_own_settings() -> None:
    wall = "DTSTART:20260302T100000"
    data = feed(entry(wall, uid="a"), head="X-WR-TIMEZONE:Asia/Tokyo\r\n") + feed(
        entry(wall, uid="b"), head="X-WR-TIMEZONE:Europe/Madrid\r\n"
    )
    assert standing(read(data)) == ["2026-03-02T01:00", "2026-03-02T09:00"]


def test_a_calendar_without_entries_is_fine() -> None:
    reading = read(feed())
    assert (reading.events, reading.set_aside, reading.looked_at) == ((), (), 0)


def test_names_in_lower_case() -> None:
    data = (
        feed(entry(START))
        .replace(b"BEGIN:", b"begin:")
        .replace(b"END:", b"end:")
        .replace(b"DTSTART", b"dtstart")
    )
    assert standing(read(data)) == ["2026-03-02T10:00"]


def test_parameters_with_blanks_and_empty_ones() -> None:
    data = feed(entry("DTSTART;;VALUE = DATE-TIME; TZID = Europe/Madrid:20260302T100000"))
    assert standing(read(data)) == ["2026-03-02T09:00"]


def test_an_entry_without_end_is_set_aside_with_its_line() -> None:
    unclosed = entry(START).replace("END:VEVENT\r\n", "")
    reading = read(feed(unclosed, entry("DTSTART:20260303T100000Z", uid="b")))
    assert [(a.place, a.issue) for a in reading.set_aside] == [("line 4", reader.NO_END)]
    assert standing(reading) == ["2026-03-03T10:00"]


def test_the_line_of_a_broken_entry_counts_folds() -> None:
    good = entry(START, "DESCRIPTION:one\r\n two\r\n three")
    reading = read(feed(good, entry("DTSTART:never", uid="b")))
    assert reading.set_aside[0].place == "line 12"


def test_a_broken_entry_tells_whose_occurrences_are_not_gone() -> None:
    assert read(feed(entry("DTSTART:never", uid="b"))).set_aside[0].lineage == "b"


def test_a_broken_entry_that_is_no_session_is_nobodys_business() -> None:
    assert read(feed(entry("DTSTART:never", title="Private"))).set_aside == ()


def test_an_alarm_without_end_does_not_swallow_the_next_entry() -> None:
    broken = entry(START, "BEGIN:VALARM", "ACTION:DISPLAY")
    reading = read(feed(broken, entry("DTSTART:20260303T100000Z", uid="b")))
    assert standing(reading) == ["2026-03-02T10:00", "2026-03-03T10:00"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \r\n",
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        b"<pre>\nBEGIN:VCALENDAR\nEND:VCALENDAR\n</pre>",
        b'{"error": "not found"}',
        b"\x1f\x8b\x08\x00\x00\x00",
        b"BEGIN:VCARD\r\nEND:VCARD\r\n",
        b"BEGIN:VCALENDAR",
    ],
)
def test_what_is_no_calendar_is_refused(data: bytes) -> None:
    with pytest.raises(BadPayload):
        read(data)


def test_a_calendar_cut_off_anywhere_is_refused() -> None:
    # Unless only the line ending is missing.
    data = feed(entry(START), entry(START, uid="b")).rstrip()
    assert len(read(data).events) == 2
    for length in range(len(data)):
        with pytest.raises(BadPayload):
            read(data[:length])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(data)
    except BadPayload:
        return


@given(st.binary(max_size=200))
def test_any_bytes_inside_a_calendar_are_read_or_refused(data: bytes) -> None:
    try:
        read(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + data + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    except BadPayload:
        return


NAMES = st.sampled_from([
    "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
    "SEQUENCE", "STATUS",
    "ATTENDEE", "ORGANIZER", "CREATED", "UID", "CATEGORIES", "CONFERENCE", "BEGIN", "END", "X-CADENCIA",
])  # fmt: skip
PARAMS = st.sampled_from([
    "", ";VALUE=DATE", ";VALUE=PERIOD", ";TZID=Europe/Rome", ";TZID=X", ";RANGE=THISANDFUTURE",
    ';CN="', ";=;",
])  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "20260302T100000Z", "20260302", "00010101T000000", "99991231T235959Z", "20260302T100000/PT1H",
        "20260302T100000Z/20250302T100000Z", "P1D", "-P1D", "P3650DT9999999S", "PT0S", "FREQ=DAILY",
        "FREQ=DAILY;COUNT=99999999", "FREQ=YEARLY;UNTIL=99991231", "FREQ=WEEKLY;UNTIL=00010101T000000Z",
        "FREQ=YEARLY;BYWEEKNO=-53,53;BYDAY=MO", "VALARM", "VEVENT", "VTIMEZONE", "CANCELLED", "mailto:",
    ]),
)  # fmt: skip


@given(
    st.lists(st.tuples(NAMES, PARAMS, VALUES), max_size=8),
    st.lists(st.tuples(NAMES, PARAMS, VALUES), max_size=6),
)
def test_any_properties_are_read_set_aside_or_refused(
    one: list[tuple[str, str, str]], two: list[tuple[str, str, str]]
) -> None:
    entries = [entry(*(f"{n}{p}:{v}" for n, p, v in lines)) for lines in (one, two)]
    data = "".join(["BEGIN:VCALENDAR\r\n", *entries, "END:VCALENDAR\r\n"]).encode(errors="replace")
    try:
        reading = read(data)
    except BadPayload:
        return
    assert reader.UNFORESEEN not in {aside.issue for aside in reading.set_aside}
    for event in reading.events:
        assert type(event.start) is type(event.end)
