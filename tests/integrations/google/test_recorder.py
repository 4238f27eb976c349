"""Who was in a Meet room: told only where nobody can be mistaken for absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from integrations.google import open_recorder
from integrations.google.recorder import GoogleRecorder
from tests.fakes.google import FakeGoogle
from tests.fakes.google.description import Refused
from tests.fakes.google.tokens import ALL_THAT_WE_USE, ATTENDANCE, IDENTITY, Token
from tests.integrations.google.conftest import ANA, BEN, EVE, MONDAY, WEEK, place_of
from tracker.errors import AuthRevoked, BadPayload, ConnectorError
from tracker.events import Conference, Window
from tracker.ports import Stay

ROOM = Conference("meet", "abc-defg-hij")
MINUTE = timedelta(minutes=1)
HELD = Window(MONDAY - 30 * MINUTE, MONDAY + 90 * MINUTE)
PAIR = frozenset({ANA, BEN})
Coming = tuple[str, datetime, datetime | None]


def stay(who: str, since: int = 0, until: int = 45) -> Coming:
    """Return a stay, in minutes after the session's start."""
    return who, MONDAY + since * MINUTE, MONDAY + until * MINUTE


def told(who: str, since: int = 0, until: int = 45) -> Stay:
    """Return the same as we tell it."""
    return Stay(who, MONDAY + since * MINUTE, MONDAY + until * MINUTE)


@pytest.fixture
def recorder(google: FakeGoogle, waits: list[float]) -> GoogleRecorder:
    """The records of Ana's meetings, where the administrator granted what we use."""
    google.desk.delegated = set(ALL_THAT_WE_USE)
    return open_recorder(ANA, google.key, place_of(google))


def test_both_were_there(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(BEN, 3), stay(ANA))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA), told(BEN, 3))


def test_who_leaves_and_comes_back_was_there_twice(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN, 0, 5), stay(BEN, 20, 40))
    stays = recorder.stays(ROOM, HELD, PAIR)
    assert stays == (told(ANA), told(BEN, 0, 5), told(BEN, 20, 40))


def test_who_waited_alone_is_told(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA),)


def test_nothing_recorded_tells_nothing(recorder: GoogleRecorder) -> None:
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_meeting_that_still_goes_on_tells_nothing(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA), (BEN, MONDAY, None), ended=False)
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_other_services_keep_no_records_here(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    assert recorder.stays(Conference("zoom", ROOM.key), HELD, PAIR) is None
    assert google.methods() == []


@pytest.mark.parametrize("stranger", ["anonymous", "phone", EVE])
def test_stranger_may_be_the_one_who_is_missing(
    google: FakeGoogle, recorder: GoogleRecorder, stranger: str
) -> None:
    """Ben may have dialled in, or joined from a private account: nobody says that he was not there."""
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(stranger))
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_stranger_matters_not_where_both_were_seen(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN), stay("phone"))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA), told(BEN))


def test_second_address_of_somebody_is_the_same_person(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.office.aliases["benito@example.com"] = BEN
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN), stay("phone"))
    stays = recorder.stays(ROOM, HELD, PAIR | {"benito@example.com"})
    assert stays == (told(ANA), told(BEN))


def test_person_outside_the_company_is_not_claimed_absent(
    google: FakeGoogle, recorder: GoogleRecorder
) -> None:
    outside = "ben@example.org"
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(outside))
    assert recorder.stays(ROOM, HELD, frozenset({ANA, outside})) is None


def test_room_of_a_series_is_told_apart_by_time(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    week = WEEK // MINUTE
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    google.rooms.hold(ANA, ROOM.key, stay(ANA, week, week + 45))
    later = Window(HELD.start + WEEK, HELD.end + WEEK)
    assert recorder.stays(ROOM, later, PAIR) == (told(ANA, week, week + 45),)
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA), told(BEN))


def test_earlier_call_in_the_room_is_another_meeting(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA, -300, -250), stay("phone", -300, -250))
    google.rooms.hold(ANA, ROOM.key, stay(ANA))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA),)


def test_other_rooms_are_not_asked_for(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, "xyz-defg-hij", stay(ANA), stay(BEN))
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_call_that_broke_off_and_began_anew_is_one(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA, 0, 10))
    google.rooms.hold(ANA, ROOM.key, stay(ANA, 12), stay(BEN, 12))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA, 0, 10), told(ANA, 12), told(BEN, 12))


def test_long_lists_come_in_pages(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.page_size = 1
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN, 0, 5), stay(BEN, 20, 40), stay("phone"))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA), told(BEN, 0, 5), told(BEN, 20, 40))


def test_no_name_leaves_google(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    recorder.stays(ROOM, HELD, PAIR)
    for asked in google.asked:
        assert "fields" in asked.query, asked.method
        assert "displayName" not in asked.query["fields"]


@dataclass
class Consent:
    """Somebody's own consent."""

    google: FakeGoogle
    scopes: frozenset[str] = frozenset({ATTENDANCE, IDENTITY})
    person: str = ANA
    is_over: bool = False

    def token(self) -> str:
        """Return a token of theirs."""
        if self.is_over:
            raise AuthRevoked("It is over.")
        name = f"ya29.{self.person}"
        self.google.desk.issued[name] = Token(self.person, self.scopes)
        return name

    def replace(self, refused: str) -> str:
        """Return another."""
        return self.token()


def test_consent_tells_its_owner_apart_and_nobody_else(google: FakeGoogle, waits: list[float]) -> None:
    recorder = open_recorder(ANA, Consent(google), place_of(google))
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    google.rooms.hold(ANA, ROOM.key, stay(ANA, WEEK // MINUTE, WEEK // MINUTE + 45))
    assert recorder.stays(ROOM, HELD, PAIR) is None
    later = Window(HELD.start + WEEK, HELD.end + WEEK)
    assert recorder.stays(ROOM, later, PAIR) == (told(ANA, WEEK // MINUTE, WEEK // MINUTE + 45),)


def test_two_consents_tell_two_apart(google: FakeGoogle, waits: list[float]) -> None:
    """Ben lets himself be told apart, and his consent opens no record."""
    others = {BEN.upper(): Consent(google, frozenset({IDENTITY}), BEN)}
    recorder = open_recorder(ANA, Consent(google), place_of(google), others)
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN), stay(EVE))
    assert recorder.stays(ROOM, HELD, PAIR) == (told(ANA), told(BEN))
    assert {asked.subject for asked in google.asked if "meet" in asked.method} == {ANA}


def test_consent_that_is_over_leaves_its_owner_unknown(google: FakeGoogle, waits: list[float]) -> None:
    others = {BEN: Consent(google, frozenset({IDENTITY}), BEN, is_over=True)}
    recorder = open_recorder(ANA, Consent(google), place_of(google), others)
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_consent_that_does_not_cover_attendance(google: FakeGoogle, waits: list[float]) -> None:
    recorder = open_recorder(ANA, Consent(google, frozenset({IDENTITY})), place_of(google))
    with pytest.raises(ConnectorError) as caught:
        recorder.stays(ROOM, HELD, PAIR)
    assert caught.value.code == "no_scope"


def test_company_that_lets_nobody_be_told_apart(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.desk.delegated = {ATTENDANCE}
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    assert recorder.stays(ROOM, HELD, PAIR) is None


def test_trouble_that_passes_claims_nothing(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    google.rooms.hold(ANA, ROOM.key, stay(ANA), stay(BEN))
    google.faults.extend([Refused(503, "UNAVAILABLE")] * 9)
    with pytest.raises(ConnectorError) as caught:
        recorder.stays(ROOM, HELD, PAIR)
    assert caught.value.code == "server_error"


def test_sign_in_page_of_a_proxy_is_no_record(google: FakeGoogle, recorder: GoogleRecorder) -> None:
    recorder.stays(ROOM, HELD, PAIR)
    google.raw = b"<html>Please sign in</html>"
    with pytest.raises(BadPayload):
        recorder.stays(ROOM, HELD, PAIR)
