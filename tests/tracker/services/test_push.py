"""Channels: opened where somebody needs them, renewed in time, stopped when nobody does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from integrations.vault import fresh_key
from tests.tracker.world import Duo, World, agreement, full, instant, make_duo, unchanged
from tracker.errors import AuthRevoked, ConnectorError, RateLimited
from tracker.models import Agreement, Calendar, CalendarStatus, ChannelState, Provider, PushChannel
from tracker.ports import Access, Vault, Watch
from tracker.services import rhythm
from tracker.services.claims import AWAITED, claim_due
from tracker.services.notices import News, Notice, hear, mark_of, name_in, new_name
from tracker.services.push import CLAIM, LASTS, PushReport, tend_channels
from tracker.settings import Settings
from tracker.store import Store

NOW = instant("2026-02-01 08:00")
KEYS = (fresh_key(), fresh_key())
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Provided:
    """A provider that keeps channels: names to when they end. It can renew only where `renews`."""

    renews: bool = False
    open_channels: dict[str, datetime] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    refuses: ConnectorError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, secret: str, callback: str, until: datetime) -> Watch:
        """Open one."""
        self._do("start")
        with self.lock:
            self.open_channels[name] = until
            self.asked.append((name, secret, callback))
        return Watch(f"theirs {name}", until)

    def renew(self, watch: Watch, until: datetime) -> Watch | None:
        """Make one last longer."""
        self._do("renew")
        return Watch(watch.provider_name, until) if self.renews else None

    def stop(self, name: str, watch: Watch) -> None:
        """End one."""
        self._do("stop")
        with self.lock:
            self.open_channels.pop(name, None)

    def _do(self, deed: str) -> None:
        self.deeds.append(deed)
        if self.refuses:
            raise self.refuses


@dataclass
class Watching(World):
    """The world, with providers that tell of changes."""

    watchers: Watching = field(init=False)
    providers: Mapping[str, Provided] = field(
        default_factory=lambda: {Provider.GOOGLE: Provided(), Provider.OUTLOOK: Provided(renews=True)}
    )

    def __post_init__(self) -> None:
        self.watchers = self

    def open(self, provider: str, address: str, access: Access | None = None) -> Provided:
        """Return the provider."""
        return self.providers[provider]

    def tend(self, now: datetime = NOW) -> PushReport:
        """Look after the channels."""
        return tend_channels(self, now)

    def channels(self) -> list[PushChannel]:
        """Return the rows."""
        with self.store.read() as db:
            return list(db.scalars(select(PushChannel).order_by(PushChannel.id)))

    def change(self, calendar_id: int, **columns: object) -> None:
        """Change a calendar."""
        with self.store.write() as db:
            db.execute(update(Calendar).where(Calendar.id == calendar_id).values(columns))

    def next_read_at(self, calendar_id: int) -> datetime | None:
        """Tell when the calendar is read next."""
        with self.store.read() as db:
            return db.get_one(Calendar, calendar_id).next_read_at

    @property
    def google(self) -> Provided:
        """Return what Google knows."""
        return self.providers[Provider.GOOGLE]

    @property
    def outlook(self) -> Provided:
        """Return what Microsoft knows."""
        return self.providers[Provider.OUTLOOK]


@pytest.fixture
def world(store: Store, vault: Vault) -> Watching:
    return Watching(store, vault, Settings(secret_keys=KEYS, base_url="https://cadencia.example", push=True))


@pytest.fixture
def duo(world: Watching) -> Duo:
    """Ana at Google, Ben at Microsoft; both were read."""
    duo = make_duo(world, providers=(Provider.GOOGLE, Provider.OUTLOOK))
    duo.sync(full(), f"{NOW:%Y-%m-%d %H:%M}")
    duo.sync_other(full(), f"{NOW:%Y-%m-%d %H:%M}")
    return duo


# --- opening ---


def test_it_opens_a_channel_for_each_calendar(world: Watching, duo: Duo) -> None:
    assert world.tend() == PushReport(opened=2)
    assert [(c.calendar_id, c.state, c.expires_at) for c in world.channels()] == [
        (duo.calendar, ChannelState.OPEN, NOW + LASTS),
        (duo.other, ChannelState.OPEN, NOW + LASTS),
    ]


def test_each_provider_is_given_its_own_address(world: Watching, duo: Duo) -> None:
    world.tend()
    google, outlook = world.channels()
    assert world.google.asked == [
        (google.name, mark_of(KEYS, google.name), "https://cadencia.example/hooks/google")
    ]
    assert world.outlook.asked[0][2] == f"https://cadencia.example/hooks/outlook/{outlook.name}"


def test_a_second_look_changes_nothing(world: Watching, duo: Duo) -> None:
    world.tend()
    assert world.tend(NOW + HOUR) == PushReport()


def test_a_new_channel_has_its_calendar_read(world: Watching, duo: Duo) -> None:
    world.change(duo.calendar, next_read_at=NOW + DAY)
    world.tend()
    assert world.next_read_at(duo.calendar) == NOW + rhythm.GATHERING


@pytest.mark.parametrize(
    "columns",
    [
        {"status": CalendarStatus.DISCONNECTED},
        {"provider": Provider.ICAL},
        {"last_read_at": None},
        {"failures": 1},
    ],
)
def test_it_opens_none_where_it_would_serve_nobody(
    world: Watching, duo: Duo, columns: dict[str, object]
) -> None:
    world.change(duo.calendar, **columns)
    world.tend()
    assert world.google.deeds == []


def test_it_opens_none_for_somebody_without_a_pair(world: Watching) -> None:
    calendar = world.calendar(world.person("eve@example.com"))
    world.change(calendar, last_read_at=NOW)
    assert world.tend() == PushReport()


def test_it_opens_none_for_a_pair_that_ended(world: Watching) -> None:
    make_duo(world, agreement("2025-01-06", "2025-06-29"))
    with world.store.write() as db:
        db.execute(update(Calendar).values(last_read_at=NOW))
    assert world.tend() == PushReport()


def test_without_push_nothing_is_opened_and_what_is_open_is_stopped(world: Watching, duo: Duo) -> None:
    world.tend()
    world.settings = Settings(secret_keys=KEYS)
    assert world.tend(NOW + HOUR) == PushReport(closed=2)
    assert world.google.open_channels == world.outlook.open_channels == {}


def test_ten_processes_open_one_channel_each(world: Watching, duo: Duo) -> None:
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: world.tend(), range(10)))
    assert len(world.channels()) == len(world.google.asked) + len(world.outlook.asked) == 2


def test_a_provider_that_refuses_is_asked_again_later_and_later(world: Watching, duo: Duo) -> None:
    world.google.refuses = ConnectorError("not now", code="server_error")
    assert world.tend().failed == 1
    assert world.tend(NOW + MINUTE).failed == 0
    assert world.tend(NOW + 6 * MINUTE).failed == 1
    assert world.tend(NOW + 12 * MINUTE).failed == 0
    world.google.refuses = None
    assert world.tend(NOW + 20 * MINUTE).opened == 1
    assert world.channels()[0].failures == 0


def test_a_provider_says_how_long_to_wait(world: Watching, duo: Duo) -> None:
    world.google.refuses = RateLimited("slow down", retry_after_s=7200)
    world.tend()
    assert world.channels()[0].renew_at == NOW + 2 * HOUR


def test_a_broken_connector_does_not_stop_the_others(world: Watching, duo: Duo) -> None:
    world.google.refuses = ValueError("secret")  # type: ignore[assignment]
    assert world.tend() == PushReport(opened=1, failed=1)


def test_a_process_that_died_while_opening_is_followed_by_another(world: Watching, duo: Duo) -> None:
    world.google.refuses = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        world.tend()
    world.google.refuses = None
    assert world.tend(NOW + MINUTE).opened == 1  # the other one
    assert world.tend(NOW + CLAIM).opened == 1
    assert len(world.channels()) == 2


# --- renewing ---


def test_it_renews_before_the_end_each_at_its_own_place(world: Watching, duo: Duo) -> None:
    world.tend()
    due = [channel.renew_at - NOW for channel in world.channels()]
    assert due[0] != due[1]
    assert all(LASTS * 0.6 <= each <= LASTS * 0.85 for each in due)


def test_it_renews_where_the_provider_can(world: Watching, duo: Duo) -> None:
    world.tend()
    later = NOW + LASTS * 0.9
    assert world.tend(later).renewed == 1
    (outlook,) = [c for c in world.channels() if c.calendar_id == duo.other]
    assert outlook.expires_at == later + LASTS
    assert len(world.outlook.asked) == 1


def test_where_it_can_not_the_new_channel_comes_before_the_old_one_goes(world: Watching, duo: Duo) -> None:
    world.tend()
    later = NOW + LASTS * 0.9
    world.tend(later)
    assert len(world.google.open_channels) == 2
    world.tend(later + CLAIM)
    (channel,) = [c for c in world.channels() if c.calendar_id == duo.calendar]
    assert world.google.open_channels == {channel.name: later + LASTS}


def test_an_old_channel_stays_while_its_successor_can_not_be_opened(world: Watching, duo: Duo) -> None:
    world.tend()
    later = NOW + LASTS * 0.7
    world.change(duo.other, status=CalendarStatus.DISCONNECTED)
    world.tend(later - DAY)
    with world.store.write() as db:
        db.execute(update(PushChannel).values(renew_at=later))
    original, world.google.start = world.google.start, _refuse  # type: ignore[method-assign]
    world.tend(later)
    world.tend(later + CLAIM)
    assert len(world.google.open_channels) == 1
    world.google.start = original  # type: ignore[method-assign]
    world.tend(later + HOUR)
    world.tend(later + 2 * HOUR)
    assert len(world.google.open_channels) == 1
    assert [c.state for c in world.channels()] == [ChannelState.OPEN]


def _refuse(name: str, secret: str, callback: str, until: datetime) -> Watch:
    raise ConnectorError("not now", code="server_error")


def test_a_channel_that_ended_unrenewed_is_opened_anew(world: Watching, duo: Duo) -> None:
    world.tend()
    assert world.tend(NOW + LASTS + HOUR).opened == 2
    assert len(world.channels()) == 2


def test_a_subscription_that_is_gone_is_opened_anew(world: Watching, duo: Duo) -> None:
    world.tend()
    world.outlook.refuses = ConnectorError("gone", code="not_found")
    later = NOW + LASTS * 0.9
    world.tend(later)
    world.outlook.refuses = None
    world.tend(later + MINUTE)
    assert len(world.outlook.asked) == 2


# --- stopping ---


def test_a_calendar_that_is_taken_away_has_its_channel_stopped(world: Watching, duo: Duo) -> None:
    world.tend()
    world.change(duo.calendar, status=CalendarStatus.DISCONNECTED)
    assert world.tend(NOW + MINUTE).closed == 1
    assert world.google.open_channels == {}
    assert [c.calendar_id for c in world.channels()] == [duo.other]


def test_a_channel_of_a_pair_that_ended_is_stopped_when_it_would_be_renewed(
    world: Watching, duo: Duo
) -> None:
    world.tend()
    with world.store.write() as db:
        over = (NOW - 40 * DAY).date()
        db.execute(update(Agreement).values(starts_on=over, ends_on=over))
    assert world.tend(NOW + LASTS - HOUR).closed == 2
    assert (world.google.open_channels, world.channels()) == ({}, [])


def test_a_stop_that_fails_is_tried_until_the_channel_has_ended(world: Watching, duo: Duo) -> None:
    world.tend()
    world.change(duo.calendar, status=CalendarStatus.DISCONNECTED)
    world.google.refuses = ConnectorError("not now", code="server_error")
    assert world.tend(NOW + MINUTE).failed == 1
    assert world.channels()[0].state is ChannelState.CLOSING
    assert world.tend(NOW + LASTS + DAY).closed == 1
    assert duo.calendar not in {c.calendar_id for c in world.channels()}


def test_a_consent_that_is_over_leaves_nothing_to_stop(world: Watching, duo: Duo) -> None:
    world.tend()
    world.change(duo.calendar, status=CalendarStatus.DISCONNECTED)
    world.google.refuses = AuthRevoked("over")
    world.tend(NOW + MINUTE)
    assert [c.calendar_id for c in world.channels()] == [duo.other]


def test_a_calendar_at_a_new_address_gets_a_new_channel(world: Watching, duo: Duo) -> None:
    world.tend()
    world.change(duo.calendar, fingerprint="another")
    world.tend(NOW + MINUTE)
    world.tend(NOW + MINUTE + CLAIM)
    assert world.google.deeds == ["start", "start", "stop"]


# --- marks and notices ---


def test_a_mark_names_its_channel_under_every_key() -> None:
    name = new_name()
    old = mark_of(KEYS[1:], name)
    assert name_in(KEYS, old) == name_in(KEYS, mark_of(KEYS, name)) == name
    assert len(old) <= 128  # what Graph takes as clientState


@pytest.mark.parametrize("mark", ["", ".", "x", "x.y", "é.é", "\udcff.\udcff", "a" * 32 + "." + "0" * 64])
def test_a_forged_mark_names_nothing(mark: str) -> None:
    assert name_in(KEYS, mark) is None


def heard(world: Watching, *notices: Notice, at: datetime = NOW + HOUR) -> int:
    return hear(world.store, notices, at)


@pytest.fixture
def channel(world: Watching, duo: Duo) -> PushChannel:
    """Ana's channel; her calendar is to be read tomorrow."""
    world.tend()
    world.change(duo.calendar, next_read_at=NOW + DAY)
    return world.channels()[0]


def notice(channel: PushChannel, news: News = News.CHANGED, number: int | None = None) -> Notice:
    return Notice(channel.name, channel.provider_name, news, number)


def test_a_notice_has_the_calendar_read_soon(world: Watching, channel: PushChannel) -> None:
    assert heard(world, notice(channel, number=2)) == 1
    assert world.next_read_at(channel.calendar_id) == NOW + HOUR + rhythm.GATHERING


def test_a_thousand_notices_are_one_reading(world: Watching, duo: Duo, channel: PushChannel) -> None:
    for number in range(1, 1001):
        heard(world, notice(channel, number=number), at=NOW + HOUR + timedelta(milliseconds=number))
    due = world.next_read_at(channel.calendar_id)
    assert due == NOW + HOUR + timedelta(milliseconds=1) + rhythm.GATHERING
    duo.sync(unchanged(), "2026-02-01 09:01")
    later = world.next_read_at(channel.calendar_id)
    assert later is not None
    assert later > NOW + HOUR + 2 * MINUTE


def _backlog(world: Watching, count: int) -> None:
    """Let so many calendars be due since yesterday."""
    owner = world.person("crowd@example.com")
    row = {"person_id": owner, "provider": Provider.ICAL, "address": "x", "connected_at": NOW - DAY}
    due = {"last_read_at": NOW - DAY, "next_read_at": NOW - DAY}
    with world.store.write() as db:
        db.add_all(Calendar(fingerprint=str(number), **row, **due) for number in range(count))


def test_in_a_backlog_what_a_provider_told_of_goes_first(world: Watching, channel: PushChannel) -> None:
    _backlog(world, 500)
    heard(world, notice(channel))
    at = NOW + HOUR + rhythm.GATHERING
    assert claim_due(world.store, AWAITED, at - MINUTE, 64).ids == []
    first = claim_due(world.store, AWAITED, at, 64)
    assert (first.ids, first.is_last) == ([channel.calendar_id], True)


def test_what_was_read_since_it_was_told_of_has_no_precedence(
    world: Watching, duo: Duo, channel: PushChannel
) -> None:
    heard(world, notice(channel))
    duo.sync(unchanged(), "2026-02-01 11:00")
    world.change(channel.calendar_id, next_read_at=NOW)
    assert claim_due(world.store, AWAITED, NOW + DAY, 64).ids == []


def test_in_a_backlog_what_its_owner_connected_goes_first(world: Watching) -> None:
    _backlog(world, 5)
    ana, ben = (world.calendar(world.person(f"{name}@example.com")) for name in ("ana", "ben"))
    world.change(ana, is_owners=True, last_read_at=None, next_read_at=NOW)
    world.change(ben, is_owners=False, last_read_at=None, next_read_at=NOW)
    assert claim_due(world.store, AWAITED, NOW, 64).ids == [ana]


@pytest.mark.parametrize("number", [5, 4])
def test_a_replayed_notice_tells_nothing(world: Watching, channel: PushChannel, number: int) -> None:
    heard(world, notice(channel, News.HELLO, number=5))
    assert heard(world, notice(channel, number=number)) == 0
    assert world.next_read_at(channel.calendar_id) == NOW + DAY


def test_a_notice_of_no_channel_tells_nothing(world: Watching, channel: PushChannel) -> None:
    assert heard(world, Notice(new_name(), "theirs", News.CHANGED)) == 0
    assert heard(world, Notice(channel.name, "another", News.CHANGED)) == 0
    assert world.next_read_at(channel.calendar_id) == NOW + DAY


def test_a_notice_never_puts_a_reading_off(world: Watching, channel: PushChannel) -> None:
    world.change(channel.calendar_id, next_read_at=NOW + HOUR)
    heard(world, notice(channel))
    assert world.next_read_at(channel.calendar_id) == NOW + HOUR


def test_a_notice_does_not_press_a_provider_that_refused_us(world: Watching, channel: PushChannel) -> None:
    world.change(channel.calendar_id, failures=1)
    heard(world, notice(channel))
    assert world.next_read_at(channel.calendar_id) == NOW + DAY


def test_a_notice_for_a_calendar_that_was_taken_away_reads_nothing(
    world: Watching, channel: PushChannel
) -> None:
    world.change(channel.calendar_id, status=CalendarStatus.DISCONNECTED)
    heard(world, notice(channel))
    assert world.next_read_at(channel.calendar_id) == NOW + DAY


def test_a_subscription_that_wants_to_be_renewed_is(world: Watching, duo: Duo) -> None:
    world.tend()
    outlook = world.channels()[1]
    heard(world, notice(outlook, News.ENDING))
    assert world.tend(NOW + 2 * HOUR).renewed == 1


def test_a_subscription_that_was_removed_is_made_again_and_the_calendar_read(
    world: Watching, duo: Duo
) -> None:
    world.tend()
    world.change(duo.other, next_read_at=NOW + DAY)
    heard(world, notice(world.channels()[1], News.GONE))
    assert world.next_read_at(duo.other) == NOW + HOUR + rhythm.GATHERING
    assert world.tend(NOW + 2 * HOUR).opened == 1


# --- how often calendars are read where a provider tells ---


def wait(world: Watching, duo: Duo, calendar_id: int) -> timedelta:
    with world.store.read() as db:
        return rhythm.next_readings(db, [calendar_id], NOW + HOUR)[calendar_id] - NOW - HOUR


def test_a_calendar_whose_provider_tells_is_read_seldom(world: Watching, duo: Duo) -> None:
    before = wait(world, duo, duo.other)
    world.tend()
    assert before <= HOUR < wait(world, duo, duo.other) <= 12 * HOUR


def test_a_channel_that_never_reached_us_is_not_relied_upon(
    world: Watching, channel: PushChannel, duo: Duo
) -> None:
    assert wait(world, duo, duo.calendar) <= HOUR
    heard(world, notice(channel, News.HELLO, number=1), at=NOW)
    assert wait(world, duo, duo.calendar) == _longest(duo.calendar)


def test_a_change_during_a_reading_is_read_as_well(
    world: Watching, duo: Duo, channel: PushChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the notice tells may have come after the provider's answer: the next poll is half a day away."""
    began = NOW + HOUR
    heard_at = began + timedelta(seconds=3)
    source = world.source(duo.calendar)
    real = source.pull

    def slow(*asked: object) -> object:
        heard(world, notice(channel, number=2), at=heard_at)
        return real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(source, "pull", slow)
    duo.sync(unchanged(), f"{began:%Y-%m-%d %H:%M}")
    assert world.next_read_at(duo.calendar) == heard_at + rhythm.GATHERING
    monkeypatch.undo()
    duo.sync(unchanged(), f"{began + MINUTE:%Y-%m-%d %H:%M}")
    assert world.next_read_at(duo.calendar) == began + MINUTE + _longest(duo.calendar, began + MINUTE)


def _longest(calendar_id: int, now: datetime = NOW + HOUR) -> timedelta:
    interval = rhythm.interval_of(is_near=False, is_told=True)
    epoch = instant("2000-01-01 00:00")
    offset = interval * rhythm.place_of(calendar_id)
    return interval - (now - epoch - offset) % interval


def test_no_row_is_left_of_a_calendar_that_is_gone(world: Watching, duo: Duo) -> None:
    world.tend()
    with world.store.write() as db:
        db.delete(db.get_one(Calendar, duo.calendar))
    with world.store.read() as db:
        assert db.scalar(select(func.count()).select_from(PushChannel)) == 1
