"""What invitations come to: sessions that are made, moved, called off and answered, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest

from tests.fakes.imap.letters import (
    ANA,
    BEN,
    MADRID,
    PROGRAM,
    Session,
    apple,
    calendar,
    exchange,
    message,
    reply,
)
from tests.integrations.mailbox.office import Office
from tests.tracker.world import instant
from tracker.events import Attendee, CopyRole, EventKind, EventStatus, Response, TagRule
from tracker.ledger import Side, Status

ONE = Session(more=("CREATED:20260220T080000Z", "LAST-MODIFIED:20260220T080000Z"))
MOVED = replace(
    ONE, start=":20260304T090000Z", end=":20260304T100000Z", sequence=1, stamp="20260222T080000Z", more=()
)
OFF = replace(ONE, sequence=1, stamp="20260223T080000Z", more=("STATUS:CANCELLED",))
WEEKLY = Session(
    "040000008200E00074C5B7101A82E00800000000AA",
    ";TZID=Romance Standard Time:20260316T100000", ";TZID=Romance Standard Time:20260316T110000",
    more=("RRULE:FREQ=WEEKLY;COUNT=4",),
)  # fmt: skip


def request(session: Session = ONE) -> bytes:
    """Return an invitation."""
    return message(calendar("REQUEST", session), "REQUEST")


def cancel(session: Session = OFF, sender: str = ANA) -> bytes:
    """Return a cancellation."""
    return message(calendar("CANCEL", session), "CANCEL", sender)


def test_an_invitation_is_a_session_of_both(office: Office) -> None:
    office.receive(request())
    hers, his = office.event(ANA), office.event(BEN)
    assert (hers.start, hers.end) == (instant("2026-03-02 09:00"), instant("2026-03-02 10:00"))
    assert (hers.tag_rule, hers.status, hers.kind) == (
        TagRule.ADDRESS,
        EventStatus.CONFIRMED,
        EventKind.SINGLE,
    )
    assert (hers.copy_role, his.copy_role) == (CopyRole.ORGANISER, CopyRole.ATTENDEE)
    assert hers.lineage == his.lineage == "one@google.com"


@pytest.mark.parametrize("style", [message, exchange, apple])
def test_every_program_writes_messages_its_own_way(office: Office, style: type) -> None:
    office.receive(style(calendar("REQUEST", ONE), "REQUEST"))
    assert office.event().start == instant("2026-03-02 09:00")


def test_a_series_is_read_in_the_zone_that_its_message_describes(office: Office) -> None:
    office.receive(exchange(calendar("REQUEST", WEEKLY, before=MADRID), "REQUEST"))
    starts = [event.start for event in office.events()]
    # Summer time begins on 29 March.
    assert starts == [instant(f"2026-{day}:00") for day in ("03-16 09", "03-23 09", "03-30 08", "04-06 08")]


def test_an_update_moves_the_session(office: Office) -> None:
    office.receive(request())
    office.receive(request(MOVED))
    assert office.event().start == instant("2026-03-04 09:00")


def test_an_older_update_that_comes_late_changes_nothing(office: Office) -> None:
    office.receive(request(MOVED))
    office.receive(request())
    assert office.event().start == instant("2026-03-04 09:00")


def test_a_cancellation_is_the_organisers(office: Office) -> None:
    office.receive(request())
    office.sync()
    office.pass_time(timedelta(days=3))
    office.receive(cancel())
    office.sync()
    (session,) = office.evidence().sessions
    assert [o.status for o in session.observations] == [Status.CONFIRMED, Status.CANCELLED]
    assert session.observations[-1].cancelled_by is Side.MENTOR
    assert session.observations[-1].at == instant("2026-02-23 08:00")


def test_the_order_of_delivery_does_not_matter(office: Office) -> None:
    letters = [request(), request(MOVED), cancel(replace(OFF, sequence=2)), reply(MOVED, "ACCEPTED")]
    found = []
    for order in permutations(letters):
        office.forget()
        office.receive(*order)
        found.append((office.pull(ANA).events, office.pull(BEN).events))
    assert all(each == found[0] for each in found)
    assert found[0][0][0].status is EventStatus.CANCELLED


def test_one_occurrence_is_called_off(office: Office) -> None:
    office.receive(exchange(calendar("REQUEST", WEEKLY, before=MADRID), "REQUEST"))
    slot = ";TZID=Romance Standard Time:20260323T100000"
    off = replace(
        WEEKLY, start=slot, end=";TZID=Romance Standard Time:20260323T110000", sequence=1,
        more=(f"RECURRENCE-ID{slot}", "STATUS:CANCELLED"), stamp="20260222T080000Z",
    )  # fmt: skip
    office.receive(exchange(calendar("CANCEL", off, before=MADRID), "CANCEL"))
    states = [(e.status, e.kind) for e in office.events()]
    assert states.count((EventStatus.CANCELLED, EventKind.EXCEPTION)) == 1
    assert states.count((EventStatus.CONFIRMED, EventKind.OCCURRENCE)) == 3


def test_one_occurrence_is_moved(office: Office) -> None:
    office.receive(exchange(calendar("REQUEST", WEEKLY, before=MADRID), "REQUEST"))
    moved = replace(
        WEEKLY, start=":20260324T150000Z", end=":20260324T160000Z", sequence=1,
        more=("RECURRENCE-ID;TZID=Romance Standard Time:20260323T100000",), stamp="20260222T080000Z",
    )  # fmt: skip
    office.receive(exchange(calendar("REQUEST", moved, before=MADRID), "REQUEST"))
    (exception,) = [e for e in office.events() if e.kind is EventKind.EXCEPTION]
    assert (exception.original_start, exception.start) == (
        instant("2026-03-23 09:00"), instant("2026-03-24 15:00"),
    )  # fmt: skip


def test_a_reply_is_the_attendees_answer(office: Office) -> None:
    office.receive(request(), reply(ONE, "DECLINED"))
    assert Attendee(BEN, Response.DECLINED) in office.event(ANA).attendees
    office.sync()
    (session,) = office.evidence().sessions
    assert session.observations[-1].declined_by == (Side.MENTEE,)


def test_a_reply_to_an_earlier_state_counts_no_more(office: Office) -> None:
    office.receive(request(MOVED), reply(ONE, "DECLINED"))
    assert Attendee(BEN, Response.NONE) in office.event(ANA).attendees


def test_the_last_reply_counts(office: Office) -> None:
    later = replace(ONE, stamp="20260221T080000Z")
    office.receive(request(), reply(later, "ACCEPTED"), reply(ONE, "DECLINED"))
    assert Attendee(BEN, Response.ACCEPTED) in office.event(ANA).attendees


def test_a_reply_to_one_occurrence_is_about_that_one(office: Office) -> None:
    office.receive(exchange(calendar("REQUEST", WEEKLY, before=MADRID), "REQUEST"))
    slot = "RECURRENCE-ID:20260330T080000Z"
    office.receive(
        reply(replace(WEEKLY, start=":20260330T080000Z", end=":20260330T090000Z", more=(slot,)), "DECLINED")
    )
    declined = [e.start for e in office.events() if Attendee(BEN, Response.DECLINED) in e.attendees]
    assert declined == [instant("2026-03-30 08:00")]


def test_answers_to_our_own_invitations_are_heard(office: Office) -> None:
    ours = replace(ONE, organiser=PROGRAM, guests=(ANA, BEN))
    office.receive(reply(ours, "ACCEPTED", ANA), reply(ours, "DECLINED", BEN))
    assert office.event().attendees == (Attendee(ANA, Response.ACCEPTED), Attendee(BEN, Response.DECLINED))


def test_an_answer_alone_makes_no_session_of_anybody_elses_entry(office: Office) -> None:
    office.receive(reply(ONE, "ACCEPTED"))
    assert office.events() == []


def test_a_mailbox_that_is_taken_off_an_entry_knows_nothing_of_it_any_more(office: Office) -> None:
    office.receive(request())
    office.sync()
    office.pass_time()
    office.receive(cancel(replace(OFF, guests=(PROGRAM,))))
    assert office.events() == []
    office.sync()
    (session,) = office.evidence().sessions
    assert [o.status for o in session.observations] == [Status.CONFIRMED]


def test_a_mailbox_that_is_invited_again_knows_again(office: Office) -> None:
    office.receive(request(), cancel(replace(OFF, guests=(PROGRAM,))))
    office.receive(request(replace(ONE, sequence=2, stamp="20260224T080000Z")))
    assert office.event().status is EventStatus.CONFIRMED


def test_a_guest_who_is_taken_off_the_entry_has_it_no_more(office: Office) -> None:
    office.receive(request())
    office.receive(request(replace(ONE, guests=(PROGRAM,), sequence=1, stamp="20260222T080000Z")))
    assert office.events(BEN) == []
    assert office.event(ANA).status is EventStatus.CONFIRMED


def test_a_cancellation_for_another_guest_is_not_the_sessions(office: Office) -> None:
    carl = office.world.person("carl@example.com")
    office.world.pair(office.world.program("Other"), office.duo.mentor, carl)
    office.receive(request(replace(ONE, guests=(BEN, "carl@example.com", PROGRAM))))
    office.receive(cancel(replace(OFF, guests=("carl@example.com",), more=())))
    assert office.event(BEN).status is EventStatus.CONFIRMED


def test_a_meeting_of_the_two_without_tag_is_never_suggested(office: Office) -> None:
    office.receive(request(replace(ONE, guests=(BEN,))))
    assert office.contents() == []


def test_a_marker_in_the_title_is_enough(office: Office) -> None:
    office.receive(request(replace(ONE, guests=(BEN,), title="Raise talk #Mentoring")))
    assert office.event().tag_rule is TagRule.MARKER


def test_all_day_invitations_keep_their_dates(office: Office) -> None:
    office.receive(request(replace(ONE, start=";VALUE=DATE:20260302", end=";VALUE=DATE:20260303")))
    assert office.event().start == date(2026, 3, 2)


def test_nothing_new_is_told_as_such(office: Office) -> None:
    office.receive(request())
    first = office.pull()
    assert office.pull(cursor=first.cursor).kind == "unchanged"
    office.receive(request(MOVED))
    assert office.pull(cursor=first.cursor).kind == "full"


def test_what_cadencia_invited_to_by_mail_needs_no_message_to_be_known(office: Office) -> None:
    reference = office.book("2026-03-02 09:00")
    office.read()
    hers, his = office.event(ANA), office.event(BEN)
    assert (hers.start, hers.session_ref) == (instant("2026-03-02 09:00"), reference)
    assert (hers.tag_rule, his.tag_rule) == (TagRule.CADENCIA, TagRule.CADENCIA)
    assert [a.email for a in hers.attendees] == [ANA, BEN]


def test_answers_to_what_cadencia_invited_to_are_heard(office: Office) -> None:
    reference = office.book("2026-03-02 09:00")
    ours = replace(ONE, uid=f"{reference}@cadencia", organiser=PROGRAM, guests=(ANA, BEN))
    office.receive(reply(ours, "DECLINED", BEN))
    assert office.event().attendees == (Attendee(ANA, Response.NONE), Attendee(BEN, Response.DECLINED))


def test_what_cadencia_called_off_by_mail_is_off(office: Office) -> None:
    reference = office.book("2026-03-02 09:00")
    office.call_off(reference)
    office.read()
    assert office.event().status is EventStatus.CANCELLED


def test_nobody_else_calls_off_what_cadencia_invited_to(office: Office) -> None:
    reference = office.book("2026-03-02 09:00")
    office.receive(cancel(replace(OFF, uid=f"{reference}@cadencia", sequence=9)))
    assert office.event().status is EventStatus.CONFIRMED
