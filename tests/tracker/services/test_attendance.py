"""Who was in the room: asked when, of whom, and what an answer is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.tracker.world import (
    JANUARY,
    MENTEE,
    MENTOR,
    Duo,
    World,
    cancel,
    delta,
    full,
    instant,
    make_duo,
    move,
    single,
    versioned,
)
from tracker.errors import AuthRevoked, ConnectorError, RateLimited
from tracker.events import CalendarEvent, Conference, Window
from tracker.ledger import Outcome, judge
from tracker.models import Calendar, Credential, Pair, PersonAddress, Program, Provider, Session
from tracker.ports import Access, Stay, Vault
from tracker.services.attendance import STEPS, AttendanceReport, ask_attendance, count_closed
from tracker.store import Store

FIRST, SECOND = "2026-02-01 08:00", "2026-02-10 08:00"
START = instant("2026-02-09 10:00")
END = START + timedelta(hours=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUARTER = END + STEPS[0]
ROOM = Conference("meet", "abc-defg-hij")
Said = tuple[Stay, ...] | BaseException | None


@dataclass
class Room:
    """A provider that keeps who was in a room, by the account that asks."""

    said: dict[str, Said] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    questions: list[tuple[Conference, Window, frozenset[str]]] = field(default_factory=list)
    others: set[str] = field(default_factory=set)  # whose consents the last recorder was given


@dataclass
class _Recorder:
    room: Room
    address: str

    def stays(
        self, conference: Conference, window: Window, people: frozenset[str]
    ) -> tuple[Stay, ...] | None:
        """Say what is scripted."""
        self.room.asked.append(self.address)
        self.room.meanwhile()
        self.room.questions.append((conference, window, people))
        said = self.room.said.get(self.address)
        if isinstance(said, BaseException):
            raise said
        return said


@dataclass
class Recording(World):
    """The world, with records of meetings."""

    room: Room = field(default_factory=Room)
    recorders: Recording = field(init=False)

    def __post_init__(self) -> None:
        self.recorders = self

    def open(
        self,
        provider: str,
        address: str,
        access: Access | None = None,
        others: Mapping[str, Access] | None = None,
    ) -> _Recorder | None:
        """Return a recorder."""
        self.room.others = set(others or {})
        return _Recorder(self.room, address) if provider != Provider.ICAL else None

    def ask(self, at: datetime = QUARTER) -> AttendanceReport:
        """Ask."""
        return ask_attendance(self, at)

    @property
    def session(self) -> Session:
        """Return the one session, with who was there."""
        with self.store.read() as db:
            session = db.scalars(select(Session)).one()
            _ = session.attendance
        return session


@pytest.fixture
def world(store: Store, vault: Vault) -> Recording:
    return Recording(store, vault)


@pytest.fixture
def duo(world: Recording) -> Duo:
    """Ana called an hour in a room, on 9 February; both calendars show it."""
    duo = make_duo(world)
    with world.store.write() as db:
        db.execute(update(Program).values(reads_attendance=True))
    duo.sync(full(meeting()), FIRST)
    return duo


def meeting(**fields: object) -> CalendarEvent:
    return versioned(replace(single(START), conference=ROOM, **fields))  # type: ignore[arg-type]


def place(calendar_owner: int) -> str:
    return f"calendar of {calendar_owner} at google"


def stay(email: str, joined: datetime = START, minutes: int = 50) -> Stay:
    return Stay(email, joined, joined + minutes * MINUTE)


BOTH = (stay(MENTOR), stay(MENTEE))


def outcome(duo: Duo, at: datetime) -> Outcome:
    (session,) = judge(duo.evidence, now=at).sessions
    return session.outcome


def test_two_who_were_there_met(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = BOTH
    assert world.ask() == AttendanceReport(asked=1, recorded=1)
    assert [(a.side, a.joined_at) for a in world.session.attendance] == [("mentee", START), ("mentor", START)]
    assert outcome(duo, QUARTER) is Outcome.HELD


def test_the_room_is_asked_for_the_two_around_their_hour(world: Recording, duo: Duo) -> None:
    with world.store.write() as db:
        db.add(PersonAddress(person_id=duo.mentee, email="benito@example.com"))
    world.ask()
    (question,) = world.room.questions
    window = Window(START - 30 * MINUTE, END + HOUR)
    assert question == (ROOM, window, frozenset({MENTOR, MENTEE, "benito@example.com"}))


def test_it_is_asked_four_times_where_nothing_is_recorded(world: Recording, duo: Duo) -> None:
    at = END
    while at < END + 5 * DAY:
        world.ask(at)
        at += 10 * MINUTE
    assert len(world.room.asked) == 4
    session = world.session
    assert (session.attendance_tries, session.attendance_due_at) == (4, None)
    assert not session.attendance_recorded


def test_nothing_recorded_changes_nothing(world: Recording, duo: Duo) -> None:
    before = duo.evidence
    world.ask()
    assert duo.evidence == before


def test_recorded_and_nobody_there_is_evidence(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = ()
    world.ask()
    assert duo.evidence.sessions[0].attendance == ()
    assert outcome(duo, END + 4 * DAY) is Outcome.NOT_HELD


def test_a_later_record_takes_the_place_of_an_earlier_one(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = (stay(MENTOR),)
    world.ask()
    world.room.said[place(duo.mentor)] = BOTH
    world.ask(END + STEPS[1])
    assert {a.side for a in world.session.attendance} == {"mentor", "mentee"}


def test_a_record_that_is_gone_later_takes_nothing_back(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = (stay(MENTOR),)
    world.ask()
    world.room.said[place(duo.mentor)] = None
    world.ask(END + STEPS[1])
    assert [a.side for a in world.session.attendance] == ["mentor"]


def test_where_both_were_there_nobody_is_asked_again(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = BOTH
    world.ask()
    assert world.session.attendance_due_at is None


def test_the_same_record_makes_no_second_review(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = (stay(MENTOR),)
    world.ask()
    before = version(duo)
    world.ask(END + STEPS[1])
    assert version(duo) == before


def version(duo: Duo) -> int:
    with duo.world.store.read() as db:
        return db.get_one(Pair, duo.pair).evidence_version


def test_strangers_are_not_kept(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = (*BOTH, stay("eve@example.com"))
    world.ask()
    assert len(world.session.attendance) == 2


def test_a_further_address_is_the_same_person(world: Recording, duo: Duo) -> None:
    with world.store.write() as db:
        db.add(PersonAddress(person_id=duo.mentee, email="benito@example.com"))
    world.room.said[place(duo.mentor)] = (stay("benito@example.com"),)
    world.ask()
    assert [a.side for a in world.session.attendance] == ["mentee"]


def test_the_other_account_is_asked_where_the_first_can_not_tell(world: Recording, duo: Duo) -> None:
    other = meeting(provider_event_id="theirs")
    duo.sync_other(full(other), FIRST)
    world.room.said[place(duo.mentee)] = BOTH
    world.ask()
    assert world.room.asked == [place(duo.mentor), place(duo.mentee)]
    assert world.session.attendance_recorded


# --- who is not asked ---


def test_a_program_that_does_not_want_it_asks_nobody(world: Recording, duo: Duo) -> None:
    with world.store.write() as db:
        db.execute(update(Program).values(reads_attendance=False))
    world.ask()
    assert world.room.asked == []


@pytest.mark.parametrize("room", [None, Conference("zoom", "1"), Conference("other", "x")])
def test_a_meeting_without_such_a_room_is_not_asked_for(
    world: Recording, duo: Duo, room: Conference | None
) -> None:
    duo.sync(delta(versioned(replace(single(START), conference=room))), SECOND)
    world.ask()
    assert world.room.asked == []


def test_a_cancelled_meeting_is_not_asked_for(world: Recording, duo: Duo) -> None:
    duo.sync(delta(cancel(meeting(), FIRST)), SECOND)
    world.ask()
    assert world.room.asked == []


def test_a_meeting_of_long_ago_is_not_asked_for(world: Recording, duo: Duo) -> None:
    world.ask(END + 4 * DAY)
    assert world.room.asked == []


# --- what fails ---


def test_a_missing_right_stops_the_asking_and_is_shown(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = ConnectorError("no", code="no_scope")
    world.ask()
    world.ask(END + STEPS[1])
    assert len(world.room.asked) == 1
    with world.store.read() as db:
        assert count_closed(db) == {Provider.GOOGLE: 1}


def test_a_right_that_was_granted_is_found_out(world: Recording, duo: Duo) -> None:
    with world.store.write() as db:
        db.get_one(Calendar, duo.calendar).records_refused_at = QUARTER - 8 * DAY
    world.room.said[place(duo.mentor)] = BOTH
    world.ask()
    with world.store.read() as db:
        assert count_closed(db) == {}


def test_consent_of_whose_records_are_closed_still_says_who_they_are(world: Recording, duo: Duo) -> None:
    """The record names accounts by numbers; each of the two knows their own alone."""
    duo.sync_other(full(meeting(provider_event_id="theirs")), FIRST)
    with world.store.write() as db:
        for calendar in db.scalars(select(Calendar)):
            row = Credential(
                person_id=calendar.person_id, provider=Provider.GOOGLE, account="-", granted_at=START
            )
            row.scopes, row.refresh_token = ["read"], ""
            db.add(row)
            db.flush()
            calendar.credential_id = row.id
        db.get_one(Calendar, duo.calendar).records_refused_at = QUARTER - DAY
    world.ask()
    assert world.room.asked == [place(duo.mentee)]
    assert world.room.others == {place(duo.mentor), place(duo.mentee)}


@pytest.mark.parametrize("error", [RateLimited("slow", retry_after_s=7200), ValueError("secret")])
def test_trouble_that_passes_is_no_answer(world: Recording, duo: Duo, error: Exception) -> None:
    world.room.said[place(duo.mentor)] = error
    assert world.ask() == AttendanceReport(asked=1, failed=1)
    assert world.session.attendance_tries == 0
    world.room.said[place(duo.mentor)] = BOTH
    world.ask(QUARTER + 2 * HOUR)
    assert world.session.attendance_recorded


def test_trouble_that_stays_is_given_up(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = ConnectorError("no", code="server_error")
    at = QUARTER
    while world.session.attendance_due_at or at == QUARTER:
        world.ask(at)
        at += HOUR
    assert at < END + 5 * DAY


def test_a_consent_that_is_over_tells_nothing(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = AuthRevoked("over")
    assert world.ask().failed == 0
    assert not world.session.attendance_recorded


def test_a_process_that_died_is_followed_by_another(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        world.ask()
    world.room.said[place(duo.mentor)] = BOTH
    assert world.ask(QUARTER + MINUTE).asked == 0
    assert world.ask(QUARTER + 11 * MINUTE).recorded == 1


# --- a meeting that moves ---


def test_a_meeting_that_moved_is_another_one(world: Recording, duo: Duo) -> None:
    """Nobody was absent at an hour that it was not at."""
    world.room.said[place(duo.mentor)] = ()
    world.ask()
    duo.sync(delta(move(meeting(), "2026-02-11 10:00", SECOND)), SECOND)
    session = world.session
    assert (session.attendance_recorded, session.attendance_tries, session.attendance) == (False, 0, [])
    world.ask(END + STEPS[1])
    assert len(world.room.asked) == 1
    world.room.said[place(duo.mentor)] = tuple(
        stay(each, instant("2026-02-11 10:00")) for each in (MENTOR, MENTEE)
    )
    world.ask(instant("2026-02-11 11:15"))
    assert world.session.attendance_recorded


def test_a_meeting_that_moves_while_it_is_asked_for_gets_no_record(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = ()
    moved = delta(move(meeting(), "2026-02-11 10:00", SECOND))
    world.room.meanwhile = lambda: duo.sync(moved, SECOND)
    world.ask()
    assert not world.session.attendance_recorded


def test_a_meeting_that_only_changed_keeps_its_record(world: Recording, duo: Duo) -> None:
    world.room.said[place(duo.mentor)] = BOTH
    world.ask()
    duo.sync(delta(meeting(sequence=4, updated_at=JANUARY + DAY, uid="other")), SECOND)
    assert world.session.attendance_recorded
