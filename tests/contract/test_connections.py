"""What Google and Microsoft 365 owe besides reading: consents, our own entries, leave, and notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations.outlook import close_connections
from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.contract.company import ANA, BEN, DAY, EVE, HOUR, JANUARY, MONDAY, WEEK, Company
from tests.contract.services import GoogleService, OutlookService, Service
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph, running_graph
from tracker.clock import FixedClock
from tracker.events import TagRule, Window
from tracker.models import Absence, Booking, BookingState, Calendar, Copy, Person, PushChannel
from tracker.ports import Invitee, Meeting, Want
from tracker.references import new_reference
from tracker.services import rhythm
from tracker.services.audit import Act
from tracker.services.bookings import book
from tracker.services.carrying import carry_out
from tracker.services.connections import disconnect
from tracker.services.consents import Ask, begin_consent, finish_consent, revoke_consent
from tracker.services.freetime import Slots, Wish, coming_window, find_slots
from tracker.services.hosts import can_write
from tracker.services.push import LASTS, tend_channels
from tracker.services.sync import Outcome, sync_due
from tracker.store import Store
from web.app import create_app

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 6)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["google", "outlook"])
def service(request: pytest.FixtureRequest, google: FakeGoogle, tmp_path: Path) -> Iterator[Service]:
    """Each provider that can be connected to in every way."""
    if request.param == "google":
        yield GoogleService(google)
        return
    with running_graph(FakeGraph(), tmp_path) as graph:
        yield OutlookService(google, graph)
        close_connections()
    assert graph.defects == []


@dataclass
class Wired:
    """The company, with all the ports that an installation has."""

    company: Company
    service: Service
    ports: Ports

    def consent(self, email: str, *more: Want) -> None:
        """Let that person consent from the first step to the last, to reading and more."""
        with self.ports.store.read() as db:
            person = db.scalars(select(Person).where(Person.email == email)).one()
        provider = self.service.connector.provider
        act = Act(person.id, "site", self.company.office.now)
        asked = begin_consent(self.ports, person, Ask(provider, frozenset({Want.READ, *more}), email), act)
        finish_consent(self.ports, person, provider, self.service.visit(asked.url, email), act)

    def calendar(self, email: str) -> Calendar:
        """Return the person's calendar."""
        with self.ports.store.read() as db:
            return db.scalars(select(Calendar).join(Person).where(Person.email == email)).one()

    def offers(self) -> Slots:
        """Look for a date in the next two weeks, as Ana does."""
        now = self.company.office.now
        wish = Wish(coming_window(now), self.calendar(ANA).person_id)
        return find_slots(self.ports, self.company.pair, wish, now)

    def book(self, slot: Window) -> Booking:
        """Ask for that date as Ana, and carry it out."""
        now = self.company.office.now
        with self.ports.store.write() as db:
            act = Act(self.calendar(ANA).person_id, "site", now)
            booking = book(db, self.ports.settings.keys, self.company.pair, slot, act)
        carry_out(self.ports, now)
        with self.ports.store.read() as db:
            return db.get_one(Booking, booking.id)

    def tend(self) -> None:
        """Look after the channels."""
        tend_channels(self.ports, self.company.office.now)


@pytest.fixture
def wired(service: Service, google: FakeGoogle, store: Store, tmp_path: Path) -> Iterator[Wired]:
    settings = replace(
        service.settings(),
        database_url=store.url,
        secret_keys=(fresh_key(),),
        base_url="https://cadencia.example",
        push=True,
        mail_url=f"file:{tmp_path / 'outbox'}",
    )
    ports = open_ports(settings, FixedClock(JANUARY))
    company = Company(store, service.connector, google, ports.vault)
    company.settings, company.sources, company.consents = settings, ports.sources, ports.consents
    yield Wired(company, service, ports)
    ports.store.close()


# --- a person's own consent ---


def test_a_persons_consent_reads_what_the_company_may_not(wired: Wired) -> None:
    wired.consent(ANA)
    wired.service.end_companys_access()
    wired.company.office.meet(ANA, (BEN,), MONDAY)
    assert wired.company.sync(ANA).problem is None
    assert wired.company.standing() == [MONDAY]
    assert wired.company.sync(BEN).outcome is Outcome.FAILED


def test_a_consent_that_is_over_makes_the_calendar_stale_and_never_empty(wired: Wired) -> None:
    wired.consent(ANA)
    wired.company.office.meet(ANA, (BEN,), MONDAY)
    wired.company.sync(ANA)
    read_at = wired.calendar(ANA).last_read_at
    before = wired.company.sessions()
    wired.service.end_consent(ANA)
    assert wired.company.sync(ANA).problem == "reconnect"
    assert wired.company.sessions() == before
    assert wired.calendar(ANA).last_read_at == read_at


def test_consenting_again_goes_on_where_it_ended(wired: Wired) -> None:
    wired.consent(ANA)
    wired.company.sync(ANA)
    wired.service.end_consent(ANA)
    wired.company.sync(ANA)
    wired.consent(ANA)
    wired.company.office.meet(ANA, (BEN,), MONDAY)
    assert wired.company.sync(ANA).problem is None
    assert wired.company.standing() == [MONDAY]


def test_what_people_allow_beyond_reading_finds_and_writes_dates(wired: Wired) -> None:
    """By consent alone: first to reading, then, by who wants it, to free time and to writing."""
    wired.company.connector.publish()
    for person in (ANA, BEN):
        wired.consent(person)
    wired.service.end_companys_access()
    by_mail = wired.book(wired.offers().offers[0])
    assert (by_mail.calendar_id, by_mail.state) == (None, BookingState.WRITTEN)
    for person in (ANA, BEN):
        wired.consent(person, Want.WRITE, Want.FREE_BUSY)
    taken = Window(MONDAY - 8 * WEEK + DAY, MONDAY - 8 * WEEK + DAY + 8 * HOUR)  # a Tuesday of Ben's
    wired.company.office.meet(BEN, (EVE,), taken.start, until=taken.end, summary="Budget")
    wired.company.connector.publish()
    found = wired.offers()
    assert found.unseen == frozenset()
    assert found.offers
    assert not [slot for slot in found.offers if slot.start < taken.end and slot.end > taken.start]
    booking = wired.book(found.offers[0])
    assert (booking.calendar_id, booking.state) == (wired.calendar(ANA).id, BookingState.WRITTEN)
    assert wired.company.sync(ANA).problem is None
    assert wired.company.standing() == [found.offers[0].start]


def test_reading_alone_writes_nothing(wired: Wired) -> None:
    wired.company.connector.publish()
    wired.consent(ANA, Want.WRITE)
    with wired.ports.store.read() as db:
        person = db.get_one(Person, wired.calendar(ANA).person_id)
    act = Act(person.id, "site", wired.company.office.now)
    revoke_consent(wired.ports, person, wired.calendar(ANA).credential_id or 0, act)
    wired.consent(ANA)  # Microsoft remembers what was allowed before
    with wired.ports.store.read() as db:
        assert not can_write(db, wired.ports, wired.calendar(ANA))


# --- what Cadencia wrote ---


def test_an_entry_of_ours_comes_back_as_a_session(wired: Wired) -> None:
    provider, reference = wired.service.connector.provider, new_reference(wired.ports.settings.keys)
    wired.company.connector.publish()
    diary = wired.ports.diaries.open(provider, ANA)
    invitees = (Invitee("Ana", ANA), Invitee("Ben", BEN))
    meeting = Meeting(
        reference, "Coffee", "Nothing to see", MONDAY, MONDAY + HOUR, "Europe/Madrid", invitees, online=False
    )
    diary.create(meeting)
    assert diary.create(meeting).starts_at == MONDAY  # a second try finds the first
    assert wired.company.sync(ANA).problem is None
    assert wired.company.standing() == [MONDAY]
    with wired.ports.store.read() as db:
        (copy,) = db.scalars(select(Copy)).all()
    assert (copy.reference, copy.tag_rule) == (reference, TagRule.CADENCIA)


# --- days away ---


def days(wired: Wired) -> list[tuple[date, date]]:
    with wired.ports.store.read() as db:
        return [(a.starts_on, a.ends_on) for a in db.scalars(select(Absence).order_by(Absence.starts_on))]


def allow(wired: Wired, *, is_allowed: bool) -> None:
    with wired.ports.store.write() as db:
        db.get_one(Calendar, wired.calendar(ANA).id).reads_absences = is_allowed


def test_days_away_come_and_go_with_their_entry(wired: Wired) -> None:
    allow(wired, is_allowed=True)
    wired.company.sync(ANA)
    wired.service.go_away(ANA, FIRST, LAST)
    wired.company.sync(ANA)
    assert days(wired) == [(FIRST, LAST)]
    assert wired.company.sessions() == []
    wired.service.come_back(ANA)
    wired.company.sync(ANA)
    assert days(wired) == []


def test_days_away_are_read_once_they_may_be_and_no_longer(wired: Wired) -> None:
    wired.service.go_away(ANA, FIRST, LAST)
    wired.company.sync(ANA)
    assert days(wired) == []
    allow(wired, is_allowed=True)
    wired.company.sync(ANA)
    assert days(wired) == [(FIRST, LAST)]
    allow(wired, is_allowed=False)
    wired.company.sync(ANA)
    assert days(wired) == []


# --- notices ---


@pytest.fixture
def told(wired: Wired) -> Wired:
    """Both calendars were read, and their provider tells the site of changes."""
    app = create_app(wired.ports)
    app.testing = True
    for person in (ANA, BEN):
        wired.company.sync(person)
    if isinstance(wired.service, OutlookService):
        wired.service.ring(app.test_client())
    wired.tend()
    wired.service.ring(app.test_client())
    sync_due(wired.company, wired.company.office.now + rhythm.GATHERING)
    wired.service.requests()
    return wired


def test_a_notice_told_thrice_is_one_reading(told: Wired) -> None:
    now = told.company.office.now + 5 * MINUTE
    told.ports.clock.instant = now  # type: ignore[attr-defined]
    told.company.office.meet(ANA, (BEN,), MONDAY)
    told.company.connector.publish()
    answers = [status for _ in range(3) for status in told.service.tell(ANA)]
    assert set(answers) <= {202, 204}
    assert len(answers) >= 3
    results = sync_due(told.company, now + rhythm.GATHERING)
    assert [result.person for result in results if result.person == ANA] == [ANA]
    assert told.company.standing() == [MONDAY]
    assert [r.person for r in sync_due(told.company, now + 2 * rhythm.GATHERING)] == []


def test_each_calendar_has_a_channel_that_reached_the_site(told: Wired) -> None:
    with told.ports.store.read() as db:
        channels = db.scalars(select(PushChannel).order_by(PushChannel.calendar_id)).all()
    assert [c.calendar_id for c in channels] == [told.calendar(ANA).id, told.calendar(BEN).id]
    assert all(channel.heard_at is not None for channel in channels)


def test_a_calendar_that_is_taken_away_is_told_of_no_longer(told: Wired) -> None:
    with told.ports.store.write() as db:
        disconnect(
            db, db.get_one(Calendar, told.calendar(ANA).id), Act(None, "site", told.company.office.now)
        )
    told.tend()
    assert told.service.tell(ANA) == []


def test_channels_outlive_their_first_end(told: Wired) -> None:
    told.company.office.now += LASTS - HOUR
    told.tend()
    told.company.office.now += 2 * HOUR
    told.tend()
    with told.ports.store.read() as db:
        ends = db.scalars(select(PushChannel.expires_at).where(PushChannel.provider_name != "")).all()
    assert len(ends) == 2
    assert all(end > told.company.office.now + HOUR for end in ends)
