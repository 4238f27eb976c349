"""Keys can change: nothing is lost on the way, and in the end the old ones open nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from integrations.vault import FernetVault, fresh_key
from tracker.errors import BadSettings
from tracker.models import (
    Base,
    Calendar,
    ConsentFlow,
    Credential,
    Endpoint,
    Invitation,
    Mailbox,
    Person,
    Program,
    Provider,
)
from tracker.services import resealing
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, add_calendar, connect_calendars
from tracker.services.resealing import SEALED, Sealed, reseal
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
    return reseal(store, FernetVault(keys), ACT)


def _calendar(store: Store) -> Calendar:
    with store.read() as db:
        return db.scalars(select(Calendar)).one()


def test_after_a_new_key_the_new_one_alone_opens_everything(store: Store, person_id: int) -> None:
    assert _reseal(store, NEW, OLD) == 2
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


def test_everything_sealed_is_known(store: Store) -> None:
    bound = {
        (mapper.class_, name)
        for mapper in Base.registry.mappers
        for name in dir(mapper.class_)
        if name.endswith("binding") and isinstance(getattr(mapper.class_, name), property)
    }
    assert bound == {(sealed.table, sealed.binding) for sealed in SEALED}


def test_every_kind_of_secret_opens_with_the_new_key_alone(store: Store, person_id: int) -> None:
    old = FernetVault([OLD])
    with store.write() as db:
        rows = _one_of_each(db, person_id)
        for sealed, row in rows:
            for name in sealed.columns:
                setattr(row, name, old.seal(f"secret {name}", getattr(row, sealed.binding)))
    assert _reseal(store, NEW, OLD) == 2 + sum(len(sealed.columns) for sealed, _ in rows)
    new = FernetVault([NEW])
    with store.read() as db:
        for sealed, row in rows:
            again = db.get_one(sealed.table, row.id)
            binding = getattr(again, sealed.binding)
            opened = [new.open(getattr(again, name), binding) for name in sealed.columns]
            assert opened == [f"secret {name}" for name in sealed.columns]


def _one_of_each(db: OrmSession, person_id: int) -> list[tuple[Sealed, Any]]:
    """Rows of every table that has secrets, calendars excepted, with nothing in them yet."""
    program, mailbox = Program(name="P", created_at=NOW), Mailbox(fingerprint="m")
    db.add_all([program, mailbox])
    db.flush()
    rows: dict[type, Any] = {
        Credential: Credential(person_id=person_id, provider="google", account="a", granted_at=NOW),
        ConsentFlow: ConsentFlow(state_hash="h", person_id=person_id, provider="google", expires_at=NOW),
        Invitation: Invitation(
            mailbox_id=mailbox.id, dedupe_key="k", uid="u", method="request", received_at=NOW
        ),
        Endpoint: Endpoint(program_id=program.id, name="e", kind="webhook", told_until=NOW, created_at=NOW),
    }
    found = [(sealed, rows[sealed.table]) for sealed in SEALED if sealed.table is not Calendar]
    for sealed, row in found:
        for name in sealed.columns:
            setattr(row, name, "")
    db.add_all(rows.values())
    db.flush()
    return found


def test_what_was_given_back_stays_empty(store: Store, person_id: int) -> None:
    with store.write() as db:
        _one_of_each(db, person_id)
    assert _reseal(store, NEW, OLD) == 2


def test_many_rows_are_sealed_in_portions(
    store: Store, person_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "PORTION", 2)
    vault = FernetVault([OLD])
    with store.write() as db:
        for number in range(4):
            at = CalendarAt(Provider.ICAL, f"https://x.example/{number}.ics")
            add_calendar(db, vault, person_id, at, ACT)
    assert _reseal(store, NEW, OLD) == 6


def test_interrupted_half_way_everything_opens(store: Store, person_id: int) -> None:
    with store.write() as db:
        add_calendar(
            db, FernetVault([OLD]), person_id, CalendarAt(Provider.ICAL, "https://x.example/b.ics"), ACT
        )
        db.flush()
        calendar = db.scalars(select(Calendar).order_by(Calendar.id)).first()
        assert calendar is not None
        plain = FernetVault([OLD]).open(calendar.address, calendar.address_binding)
        calendar.address = FernetVault([NEW]).seal(plain, calendar.address_binding)
    vault = FernetVault([NEW, OLD])
    with store.read() as db:
        opened = [vault.open(c.address, c.address_binding) for c in db.scalars(select(Calendar))]
    assert sorted(opened) == ["https://x.example/a.ics", "https://x.example/b.ics"]
