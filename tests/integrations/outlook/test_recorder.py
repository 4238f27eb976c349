"""Who was in a Teams meeting."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from integrations.outlook.recorder import TeamsRecorder
from integrations.providers import SettingsRecorders
from tests.fakes.graph.mailbox import Refused, write_time
from tests.fakes.graph.shapes import OnlineMeeting
from tests.fakes.graph.writing import teams_link
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
    occurrence,
    series,
)
from tests.integrations.outlook.test_consent import Own
from tracker.errors import BadPayload, ConnectorError
from tracker.events import Conference, Window
from tracker.ports import Stay

LINK = teams_link("a", ANA)
ROOM = Conference("teams", "19:meeting_a@thread.v2")
BOTH = frozenset({ANA, BEN})
SCOPES = ("Calendars.Read", "OnlineMeetings.Read", "OnlineMeetingArtifact.Read.All")
MINUTE = timedelta(minutes=1)
TIMES = (MONDAY, MONDAY + LENGTH)


def window(start: datetime = MONDAY) -> Window:
    return Window(start, start + LENGTH)


def recorder(reading: Reading, access: Own | None = None) -> TeamsRecorder:
    found = SettingsRecorders(reading.graph.settings()).open("outlook", reading.box.owner, access)
    assert isinstance(found, TeamsRecorder)
    return found


def meet(reading: Reading, link: str = LINK, **about: object) -> None:
    """Put a session with a Teams link into somebody's calendar."""
    reading.box.put(event("a", online_meeting=OnlineMeeting(join_url=link), **about))


@pytest.fixture
def met(ana: Reading) -> Reading:
    """Ana, after her meeting with Ben: she stayed all the time, he came late and twice."""
    meet(ana)
    late = [
        (MONDAY + 10 * MINUTE, MONDAY + 20 * MINUTE),
        (MONDAY + 25 * MINUTE, MONDAY + LENGTH),
    ]
    ana.graph.teams.hold(ANA, LINK, TIMES, {ANA: [TIMES], BEN.title(): late, EVE: [TIMES]})
    return ana


def test_stays_of_those_who_were_asked_for(met: Reading) -> None:
    assert recorder(met).stays(ROOM, window(), BOTH) == (
        Stay(ANA, *TIMES),
        Stay(BEN, MONDAY + 10 * MINUTE, MONDAY + 20 * MINUTE),
        Stay(BEN, MONDAY + 25 * MINUTE, MONDAY + LENGTH),
    )


def test_own_consent_tells_of_the_own_meetings(met: Reading) -> None:
    access = Own([met.graph.desk.let_in(ANA, *SCOPES)])
    assert recorder(met, access).stays(ROOM, window(), BOTH) == recorder(met).stays(ROOM, window(), BOTH)


def test_nobody_else_is_told_of(met: Reading) -> None:
    assert EVE not in repr(recorder(met).stays(ROOM, window(), BOTH))


def test_recorded_meeting_where_one_was_missing_tells_so(ana: Reading) -> None:
    meet(ana)
    ana.graph.teams.hold(ANA, LINK, TIMES, {ANA: [TIMES]})
    assert recorder(ana).stays(ROOM, window(), BOTH) == (Stay(ANA, *TIMES),)


@pytest.mark.parametrize("stranger", [None, EVE])
@pytest.mark.parametrize("known", [(), (ANA,)])
def test_strangers_may_be_whoever_is_missing(
    ana: Reading, stranger: str | None, known: tuple[str, ...]
) -> None:
    meet(ana)
    ana.graph.teams.hold(ANA, LINK, TIMES, {stranger: [TIMES], **{person: [TIMES] for person in known}})
    assert recorder(ana).stays(ROOM, window(), BOTH) is None


def test_strangers_change_nothing_where_nobody_is_missing(ana: Reading) -> None:
    meet(ana)
    ana.graph.teams.hold(ANA, LINK, TIMES, {None: [TIMES], ANA: [TIMES], BEN: [TIMES]})
    assert recorder(ana).stays(ROOM, window(), BOTH) == (Stay(ANA, *TIMES), Stay(BEN, *TIMES))


def test_meeting_that_nobody_recorded_tells_nothing(ana: Reading) -> None:
    meet(ana)
    assert recorder(ana).stays(ROOM, window(), BOTH) is None


def test_meeting_that_another_called_is_the_others_to_tell_of(met: Reading, ben: Reading) -> None:
    meet(ben, is_organizer=False)
    met.graph.asked.clear()
    assert recorder(ben).stays(ROOM, window(), BOTH) is None
    assert met.graph.targets() == ["calendarView"]


@pytest.mark.parametrize("conference", [
    Conference("meet", "abc-defg-hij"), Conference("teams", "19:meeting_other@thread.v2"),
])  # fmt: skip
def test_other_room_is_not_this_one(met: Reading, conference: Conference) -> None:
    met.graph.asked.clear()
    assert recorder(met).stays(conference, window(), BOTH) is None
    assert met.graph.targets() == (["calendarView"] if conference.kind == "teams" else [])


def test_each_session_of_a_series_has_its_own_report(ana: Reading) -> None:
    starts = [MONDAY + n * WEEK for n in range(5)]
    ana.box.put(*series("a", starts, online_meeting=OnlineMeeting(join_url=LINK)))
    for start in starts:
        ana.graph.teams.hold(ANA, LINK, (start, start + LENGTH), {ANA: [(start, start + LENGTH)]})
    found = recorder(ana).stays(ROOM, window(starts[3]), BOTH)
    assert found == (Stay(ANA, starts[3], starts[3] + LENGTH),)


def test_session_that_moved_is_found_at_its_new_time(ana: Reading) -> None:
    master, _ = series("a", [MONDAY], online_meeting=OnlineMeeting(join_url=LINK))
    late = MONDAY + DAY
    moved = occurrence(master, "a", MONDAY, start=write_time(late), end=write_time(late + LENGTH))
    ana.box.put(master, [moved])
    ana.graph.teams.hold(ANA, LINK, (late, late + LENGTH), {BEN: [(late, late + LENGTH)]})
    assert recorder(ana).stays(ROOM, window(late), BOTH) == (Stay(BEN, late, late + LENGTH),)
    assert recorder(ana).stays(ROOM, window(), BOTH) is None


def test_room_that_was_opened_twice_has_two_reports(met: Reading) -> None:
    again = (MONDAY + 40 * MINUTE, MONDAY + LENGTH)
    met.graph.teams.hold(ANA, LINK, again, {ANA: [again]})
    found = recorder(met).stays(ROOM, window(), BOTH)
    assert found is not None
    assert len(found) == 4
    assert list(found) == sorted(found, key=lambda s: (s.joined_at, s.email))


def test_report_of_another_day_is_no_record_of_this_one(ana: Reading) -> None:
    meet(ana)
    before = (MONDAY - DAY, MONDAY - DAY + LENGTH)
    ana.graph.teams.hold(ANA, LINK, before, {ANA: [before]})
    assert recorder(ana).stays(ROOM, window(), BOTH) is None


def test_stay_before_the_session_in_the_same_room_is_none(ana: Reading) -> None:
    meet(ana)
    early = (MONDAY - 60 * MINUTE, MONDAY - 40 * MINUTE)
    ana.graph.teams.hold(ANA, LINK, (early[0], TIMES[1]), {ANA: [early, TIMES], BEN: [early]})
    assert recorder(ana).stays(ROOM, window(), BOTH) == (Stay(ANA, *TIMES),)


def test_trial_of_the_day_before_is_no_stay(met: Reading) -> None:
    before = (MONDAY - DAY, MONDAY - DAY + LENGTH)
    met.graph.teams.hold(ANA, LINK, before, {BEN: [before]})
    found = recorder(met).stays(ROOM, window(), BOTH)
    assert found is not None
    assert all(s.joined_at >= MONDAY for s in found)


@pytest.mark.parametrize("missing", SCOPES)
def test_consent_that_lacks_a_scope_says_so(met: Reading, missing: str) -> None:
    access = Own([met.graph.desk.let_in(ANA, *(s for s in SCOPES if s != missing))])
    with pytest.raises(ConnectorError) as caught:
        recorder(met, access).stays(ROOM, window(), BOTH)
    assert caught.value.code == "no_scope"


@pytest.mark.parametrize("roles", [("Calendars.Read",), ("Calendars.Read", "OnlineMeetings.Read.All")])
def test_application_that_lacks_a_role_says_so(met: Reading, roles: tuple[str, ...]) -> None:
    met.graph.desk.roles = roles
    with pytest.raises(ConnectorError) as caught:
        recorder(met).stays(ROOM, window(), BOTH)
    assert caught.value.code == "no_right"


def test_sign_in_page_in_between_is_no_record(met: Reading) -> None:
    found = recorder(met)
    found.stays(ROOM, window(), BOTH)
    met.graph.raw = b"<html>Sign in</html>"
    with pytest.raises(BadPayload):
        found.stays(ROOM, window(), BOTH)


def test_fault_is_no_absence(met: Reading, waits: list[float]) -> None:
    met.graph.faults.extend([Refused(500, "generalException")] * 4)
    with pytest.raises(ConnectorError) as caught:
        recorder(met).stays(ROOM, window(), BOTH)
    assert (caught.value.code, len(waits)) == ("server_error", 3)


def test_stays_name_nobody(met: Reading) -> None:
    assert "Somebody" not in repr(recorder(met).stays(ROOM, window(), BOTH))


def test_link_is_written_with_its_quotes_doubled(ana: Reading) -> None:
    link = LINK + "&title=Ana's"
    meet(ana, link)
    ana.graph.teams.hold(ANA, link.replace("'", "''"), TIMES, {BEN: [TIMES]})
    assert recorder(ana).stays(ROOM, window(), BOTH) == (Stay(BEN, *TIMES),)
