"""Sealing anew what the database keeps sealed, after the keys changed. Never shows what is sealed.

A new key goes in front of the others and `reseal` runs once: from then on the old keys open nothing that is
still needed, apart from fingerprints, which come from the last key in the list. Once the old keys are taken
off it, `reseal` runs again and makes the fingerprints from the key that stays.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tracker.models import Base, Calendar, ConsentFlow, Credential, Endpoint, Invitation
from tracker.ports import Vault
from tracker.services.audit import Act, record
from tracker.store import Store

PORTION = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """Columns of one table that the vault has sealed; `binding` is the property that they are bound to."""

    table: type[Base]
    binding: str
    columns: tuple[str, ...]


# Everything that is sealed anywhere in the database. A test finds what is missing here.
SEALED = (
    Sealed(Calendar, "address_binding", ("address",)),
    Sealed(Calendar, "cursor_binding", ("cursor",)),
    Sealed(Credential, "binding", ("refresh_token", "access_token")),
    Sealed(ConsentFlow, "memory_binding", ("memory",)),
    Sealed(Invitation, "binding", ("content",)),
    Sealed(Endpoint, "binding", ("url", "secret", "old_secret")),
)


def reseal(store: Store, vault: Vault, act: Act) -> int:
    """Seal everything with the newest key, and return how many values that concerns. May run at any time.

    Raises BadSettings where something opens with none of the keys. What was sealed anew before that stays so:
    the newest key is in the list as well.
    """
    count = sum(_reseal_table(store, vault, sealed) for sealed in SEALED)
    with store.write() as db:
        record(db, act, "keys.resealed", "database", count=count)
    return count


def _reseal_table(store: Store, vault: Vault, sealed: Sealed) -> int:
    table: Any = sealed.table
    count, last_id = 0, 0
    while True:
        # A portion at a time, with its rows locked: whoever writes a reading meanwhile waits for a moment.
        # Died here: some rows are sealed with the new key and some with the old, and both open.
        with store.write() as db:
            after = select(table).where(table.id > last_id).order_by(table.id).limit(PORTION)
            rows = db.scalars(after.with_for_update()).all()
            count += sum(_reseal_row(vault, sealed, row) for row in rows)
        if not rows:
            return count
        last_id = rows[-1].id


def _reseal_row(vault: Vault, sealed: Sealed, row: Any) -> int:
    binding: str = getattr(row, sealed.binding)
    values = {name: value for name in sealed.columns if (value := getattr(row, name))}
    for name, value in values.items():
        plain = vault.open(value, binding)
        setattr(row, name, vault.seal(plain, binding))
        if (sealed.table, name) == (Calendar, "address"):
            row.fingerprint = vault.fingerprint(plain)
    return len(values)
