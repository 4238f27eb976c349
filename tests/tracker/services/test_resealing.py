"""Keys can change: nothing is lost on the way, and in the end the old ones open nothing."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from integrations.vault import FernetVault, fresh_key
from tracker.errors import BadSettings
from tracker.models import Calendar, Person, Provider
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.resealing import reseal
from tracker.store import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACT = Act(None, "command", NOW)
FEED = CalendarAt(Provider.ICAL, "https://x.example/a.ics")
OLD, NEW = fresh_key(), fresh_key()


@pytest.fixture
def person_id(store: Store) -> int:
    """Somebody whose calendar was connected and read under the old key."""
    vault = FernetVault([OLD])
    with store.write() as db:
        person = Person(email="a@x.com", name="Ana", created_at=NOW)
        db.add(person)
        db.flush()
        connect_calendars(db, vault, {person.id: FEED}, ACT)
        calendar = db.scalars(select(Calendar)).one()
        calendar.cursor = vault.seal("cursor", calendar.cursor_binding)
        return person.id


def _reseal(store: Store, *keys: str) -> int:
    with store.write() as db:
        return reseal(db, FernetVault(keys), ACT)


def _calendar(store: Store) -> Calendar:
    with store.read() as db:
        return db.scalars(select(Calendar)).one()


def test_after_a_new_key_the_new_one_alone_opens_everything(store: Store, person_id: int) -> None:
    assert _reseal(store, NEW, OLD) == 1
    calendar, vault = _calendar(store), FernetVault([NEW])
    assert vault.open(calendar.address, calendar.address_binding) == FEED.address
    assert vault.open(str(calendar.cursor), calendar.cursor_binding) == "cursor"


def test_an_import_knows_the_calendar_at_every_step(store: Store, person_id: int) -> None:
    def imports_as_known(*keys: str) -> bool:
        with store.write() as db:
            return not connect_calendars(db, FernetVault(keys), {person_id: FEED}, ACT)

    assert imports_as_known(NEW, OLD)
    _reseal(store, NEW, OLD)
    assert imports_as_known(NEW, OLD)
    _reseal(store, NEW)
    assert imports_as_known(NEW)


def test_without_the_old_key_nothing_is_changed(store: Store, person_id: int) -> None:
    before = _calendar(store).address
    with pytest.raises(BadSettings):
        _reseal(store, NEW)
    assert _calendar(store).address == before
