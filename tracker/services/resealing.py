"""Sealing anew what the database keeps sealed, after the keys changed. Never shows what is sealed.

A new key goes in front of the others and `reseal` runs once: from then on the old keys open nothing that is
still needed, apart from fingerprints, which come from the last key in the list. Once the old keys are taken
off it, `reseal` runs again and makes the fingerprints from the key that stays.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.models import Calendar, Invitation
from tracker.ports import Vault
from tracker.services.audit import Act, record


def reseal(db: OrmSession, vault: Vault, act: Act) -> int:
    """Seal everything with the newest key, and return how many calendars that concerns.

    Raises BadSettings where something opens with none of the keys; then nothing is changed.
    """
    calendars = db.scalars(select(Calendar).order_by(Calendar.id)).all()
    for calendar in calendars:
        address = vault.open(calendar.address, calendar.address_binding)
        calendar.address = vault.seal(address, calendar.address_binding)
        calendar.fingerprint = vault.fingerprint(address)
        if calendar.cursor:
            cursor = vault.open(calendar.cursor, calendar.cursor_binding)
            calendar.cursor = vault.seal(cursor, calendar.cursor_binding)
    for invitation in db.scalars(select(Invitation)):
        invitation.content = vault.seal(
            vault.open(invitation.content, invitation.binding), invitation.binding
        )
    record(db, act, "keys.resealed", "calendars", count=len(calendars))
    return len(calendars)
