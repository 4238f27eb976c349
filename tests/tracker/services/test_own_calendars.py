"""A person's own calendars: what they are shown, what they decide, and what that does to the ledger."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.tracker.world import (
    MENTOR,
    Duo,
    ScriptedSource,
    World,
    cancel,
    delta,
    full,
    instant,
    make_duo,
    series,
    single,
    unchanged,
)
from tracker.errors import BadInput, ConnectorError
from tracker.events import Attendee, Pull
from tracker.ledger import Ledger, Verdict, decode_ledger
from tracker.models import Absence, AuditEntry, Calendar, CalendarStatus, LedgerRow, Person, Provider
from tracker.ports import Vault
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, add_calendar, connect_calendars, disconnect
from tracker.services.own_calendars import (
    OwnCalendar,
    connect_feed,
    connect_mailbox,
    let_absences_be_read,
    list_own,
)
from tracker.services.review import review
from tracker.store import Store

AT = "2026-02-02 08:00"
FEED = "https://calendar.example/canary-secret/basic.ics"


@pytest.fixture
def world(store: Store, vault: Vault) -> World:
    return World(store, vault)


@pytest.fixture
def duo(world: World) -> Duo:
    return make_duo(world)


def person(world: World, person_id: int) -> Person:
    with world.store.read() as db:
        return db.get_one(Person, person_id)


def own(duo: Duo, person_id: int | None = None) -> list[OwnCalendar]:
    world = duo.world
    with world.store.read() as db:
        return list_own(db, world.vault, db.get_one(Person, person_id or duo.mentor))


def act(duo: Duo, at: str = AT) -> Act:
    return Act(duo.mentor, "site", instant(at))


def take_away(duo: Duo, calendar_id: int, at: str = AT) -> None:
    with duo.world.store.write() as db:
        disconnect(db, db.get_one(Calendar, calendar_id), act(duo, at))


def ledger(duo: Duo, at: str) -> Ledger:
    review(duo.world.store, instant(at))
    with duo.world.store.read() as db:
        row = db.scalars(select(LedgerRow)).one()
        return decode_ledger(row.document)


# --- what is shown ---


def test_sessions_are_shown_by_date_and_pair_latest_first(duo: Duo) -> None:
    meetings = series("2026-02-10 10:00", 3)
    duo.sync(full(*meetings), AT)
    (shown,) = own(duo)
    assert [f"{s.starts_at:%m-%d}" for s in shown.sessions] == ["02-24", "02-17", "02-10"]
    assert {s.pair.id for s in shown.sessions if s.pair} == {duo.pair}
    assert (shown.row.looked_at, shown.row.kept) == (40, 3)


def test_a_change_leaves_how_many_entries_the_calendar_has(duo: Duo) -> None:
    duo.sync(full(single("2026-02-10 10:00")), AT)
    duo.sync(delta(single("2026-02-17 10:00", uid="new@x")), "2026-02-02 09:00")
    (shown,) = own(duo)
    assert (shown.row.looked_at, shown.row.kept) == (40, 2)


def test_a_cancelled_session_is_shown_as_such(duo: Duo) -> None:
    meeting = single("2026-02-10 10:00")
    duo.sync(full(cancel(meeting, "2026-02-01 10:00")), AT)
    (shown,) = own(duo)
    assert [s.is_cancelled for s in shown.sessions] == [True]


def test_what_the_calendar_no_longer_shows_is_not_shown(duo: Duo) -> None:
    duo.sync(full(single("2026-02-10 10:00")), AT)
    duo.sync(full(), "2026-02-02 09:00")
    assert own(duo)[0].sessions == ()


def test_an_entry_of_nobodys_pair_yet_is_shown_without_one(world: World) -> None:
    duo = make_duo(world)
    other = world.person("eva@example.com")
    world.pair(world.program("Second"), duo.mentor, other)
    alone = single("2026-02-10 10:00", attendees=(Attendee(MENTOR),))
    duo.sync(full(alone), AT)
    (shown,) = own(duo)
    assert [s.pair for s in shown.sessions] == [None]


def test_nobody_sees_the_pairs_of_others(world: World) -> None:
    duo = make_duo(world)
    eva = world.person("eva@example.com")
    world.pair(world.program("Second"), duo.mentor, eva)
    calendar = world.calendar(eva)
    people = (Attendee(MENTOR), Attendee("ben@example.com"), Attendee("eva@example.com"))
    meeting = single("2026-02-10 10:00", attendees=people)
    duo.sync(full(meeting), AT)
    world.sync(calendar, full(meeting), AT)
    assert len(own(duo)[0].sessions) == 2  # the mentor's with each
    (evas,) = own(duo, eva)
    assert [s.pair.mentee_id for s in evas.sessions if s.pair] == [eva]


def test_only_ones_own_are_listed_connected_ones_first(duo: Duo, world: World) -> None:
    second = world.calendar(duo.mentor, Provider.OUTLOOK)
    take_away(duo, duo.calendar)
    assert [c.row.id for c in own(duo)] == [second, duo.calendar]
    assert [c.row.id for c in own(duo, duo.mentee)] == [duo.other]


def test_of_a_feed_only_the_host_is_shown(duo: Duo, world: World) -> None:
    feed(duo)
    places = {c.row.provider: c.place for c in own(duo)}
    assert places[Provider.ICAL] == "calendar.example"
    assert "canary" not in repr(own(duo))


# --- feeds ---


def feed(duo: Duo, address: str = FEED, replaces: int | None = None) -> Calendar:
    world = duo.world
    source = world.sources.open("", "https" + address.removeprefix("webcal").removeprefix("https"), "")
    source.script.append(full(looked_at=3))
    return connect_feed(world, person(world, duo.mentor), address, act(duo), replaces)


@pytest.mark.parametrize("address", [FEED, f" {FEED} ", FEED.replace("https", "webcal")])
def test_a_feed_is_read_once_and_connected(duo: Duo, address: str) -> None:
    calendar = feed(duo, address.strip() if address != FEED else address)
    assert duo.world.vault.open(calendar.address, calendar.address_binding) == FEED
    assert (calendar.status, calendar.is_owners, calendar.last_read_at) == (
        CalendarStatus.CONNECTED,
        True,
        None,
    )
    assert len(own(duo)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "", "google", "outlook", "mailbox", "/etc/passwd", "secret.ics", "../../x.ics", "file:///etc/passwd",
        "C:\\x.ics", "ftp://x/y.ics", "https:/x", "javascript:alert(1)", "\\\\host\\x.ics", "~/x.ics",
        "file://localhost/x.ics", "webcal:x.ics", "https:\\\\x", "\x00https://x",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_never_opened(duo: Duo, text: str) -> None:
    with pytest.raises(BadInput):
        connect_feed(duo.world, person(duo.world, duo.mentor), text, act(duo))
    assert duo.world.sources.by_address == {}


def test_a_feed_that_can_not_be_read_is_not_connected(duo: Duo) -> None:
    duo.world.sources.open("", FEED, "").script.append(ConnectorError("Out of reach."))
    with pytest.raises(ConnectorError):
        connect_feed(duo.world, person(duo.world, duo.mentor), FEED, act(duo))
    assert len(own(duo)) == 1


def test_a_feed_is_tried_without_a_transaction(duo: Duo) -> None:
    class Writing(ScriptedSource):
        """A source during whose reading somebody else writes."""

        def pull(self, *_: object) -> Pull:
            with duo.world.store.write() as db:
                db.get_one(Person, duo.mentee).department = "Sales"
            return full()

    duo.world.sources.by_address[FEED] = Writing()
    connect_feed(duo.world, person(duo.world, duo.mentor), FEED, act(duo))
    assert person(duo.world, duo.mentee).department == "Sales"


def test_the_same_feed_twice_is_one(duo: Duo) -> None:
    assert feed(duo).id == feed(duo).id


def test_a_new_address_keeps_what_is_known(duo: Duo) -> None:
    first = feed(duo)
    moved = feed(duo, FEED.replace("basic", "new"), replaces=first.id)
    assert moved.id == first.id
    assert duo.world.vault.open(moved.address, moved.address_binding).endswith("new.ics")
    assert (moved.problem, moved.next_read_at) == (None, instant(AT))


def test_two_calendars_do_not_share_an_address(duo: Duo) -> None:
    first, second = feed(duo), feed(duo, FEED.replace("basic", "new"))
    with pytest.raises(BadInput, match="already"):
        feed(duo, FEED, replaces=second.id)
    assert first.id != second.id


def test_invitations_are_connected_by_the_persons_address(duo: Duo) -> None:
    with duo.world.store.write() as db:
        calendar = connect_mailbox(db, duo.world.vault, db.get_one(Person, duo.mentor), act(duo))
    assert calendar.provider is Provider.MAILBOX
    assert duo.world.vault.open(calendar.address, calendar.address_binding) == MENTOR


# --- days away ---


def test_days_away_are_read_only_where_their_owner_says_so(duo: Duo) -> None:
    assert own(duo)[0].row.reads_absences is False
    with duo.world.store.write() as db:
        let_absences_be_read(db, db.get_one(Calendar, duo.calendar), reads=True, act=act(duo))
    row = own(duo)[0].row
    assert (row.reads_absences, row.next_read_at) == (True, instant(AT))


def test_days_to_come_are_forgotten_when_the_permission_ends(duo: Duo) -> None:
    with duo.world.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendar)
        let_absences_be_read(db, calendar, reads=True, act=act(duo))
        ahead = Absence(person_id=duo.mentor, kind="leave", calendar_id=calendar.id, provider_event_id="x")
        ahead.starts_on, ahead.ends_on = date(2026, 5, 1), date(2026, 5, 9)
        ahead.created_at = instant(AT)
        db.add(ahead)
    with duo.world.store.write() as db:
        let_absences_be_read(db, db.get_one(Calendar, duo.calendar), reads=False, act=act(duo))
    with duo.world.store.read() as db:
        assert db.scalars(select(Absence)).all() == []
        acts = [e.act for e in db.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert acts == ["absences.allowed", "absences.forbidden", "absences.forgotten"]


# --- disconnecting, and the ledger ---


def test_periods_after_the_last_reading_are_unknown_and_never_missed(duo: Duo) -> None:
    # The first fortnight had no session and both calendars were read past it: that one was missed.
    for sync in (duo.sync, duo.sync_other):
        sync(full(), "2026-01-30 08:00")
    take_away(duo, duo.calendar, "2026-01-30 09:00")
    duo.sync_other(unchanged(), "2026-06-01 08:00")
    verdicts = [period.verdict for period in ledger(duo, "2026-06-01 09:00").periods]
    assert verdicts[0] is Verdict.MISSED
    later = verdicts[1:10]
    assert Verdict.MISSED not in later
    assert Verdict.UNKNOWN in later


def test_what_was_known_before_stays(duo: Duo) -> None:
    meeting = single("2026-01-13 10:00")
    for sync in (duo.sync, duo.sync_other):
        sync(full(meeting), "2026-01-30 08:00")
    before = ledger(duo, "2026-01-30 08:30").periods[0].verdict
    take_away(duo, duo.calendar, "2026-01-30 09:00")
    assert ledger(duo, "2026-02-01 09:00").periods[0].verdict is before
    assert own(duo)[0].row.last_read_at == instant("2026-01-30 08:00")


def test_a_disconnected_calendar_is_not_read_and_its_pairs_are_judged_anew(duo: Duo) -> None:
    duo.sync(full(), AT)
    take_away(duo, duo.calendar)
    row = own(duo)[0].row
    assert (row.status, row.next_read_at) == (CalendarStatus.DISCONNECTED, None)
    duo.sync(full(single("2026-02-10 10:00")), "2026-02-03 08:00")
    assert own(duo)[0].sessions == ()
    with duo.world.store.read() as db:
        (entry,) = db.scalars(select(AuditEntry).where(AuditEntry.act == "calendar.disconnected")).all()
    assert (entry.actor_id, entry.via, entry.subject) == (duo.mentor, "site", f"person:{duo.mentor}")


def test_disconnecting_twice_is_once(duo: Duo) -> None:
    take_away(duo, duo.calendar)
    take_away(duo, duo.calendar, "2026-03-01 08:00")
    assert own(duo)[0].row.disconnected_at == instant(AT)


def test_an_import_does_not_undo_it(duo: Duo, world: World) -> None:
    take_away(duo, duo.calendar)
    address = f"calendar of {duo.mentor} at {Provider.GOOGLE}"
    with world.store.write() as db:
        company = Act(None, "command", instant(AT) + timedelta(days=1))
        connect_calendars(db, world.vault, {duo.mentor: CalendarAt(Provider.GOOGLE, address)}, company)
    assert own(duo)[0].row.status is CalendarStatus.DISCONNECTED


def test_its_owner_connects_it_again(duo: Duo, world: World) -> None:
    take_away(duo, duo.calendar)
    address = f"calendar of {duo.mentor} at {Provider.GOOGLE}"
    with world.store.write() as db:
        at = CalendarAt(Provider.GOOGLE, address)
        add_calendar(db, world.vault, duo.mentor, at, act(duo, "2026-02-03 08:00"))
    row = own(duo)[0].row
    assert (row.id, row.status, row.disconnected_at) == (duo.calendar, CalendarStatus.CONNECTED, None)
