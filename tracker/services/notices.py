"""Notices of providers that a calendar changed. Hints, never truth: all that one does is an early reading.

A notice carries the mark that the channel was opened with: its name and an HMAC of it under the
installation's keys. So a forged one is known without a look at the database, and nothing secret is stored.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.keys import derive_key, derive_keys
from tracker.models import PushChannel
from tracker.services import rhythm
from tracker.store import Store

PURPOSE = "hooks"


class News(StrEnum):
    """What a provider tells. `hello`: the channel works; `ending`: renew it; `gone`: it is over."""

    CHANGED = "changed"
    HELLO = "hello"
    ENDING = "ending"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice whose mark was found good. `number` is the message's, where the provider counts them."""

    name: str
    provider_name: str
    news: News
    number: int | None = None


def new_name() -> str:
    """Return a fresh name for a channel: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def mark_of(keys: Sequence[str], name: str) -> str:
    """Return what the notices of the channel `name` must carry: 97 characters."""
    return f"{name}.{_seal(derive_key(keys[0], PURPOSE), name)}"


def name_in(keys: Sequence[str], mark: str) -> str | None:
    """Return the name of the channel whose mark this is, None where no key of ours made it."""
    name, _, seal = mark.partition(".")
    told = seal.encode("utf-8", "replace")
    known = [hmac.compare_digest(told, _seal(key, name).encode()) for key in derive_keys(keys, PURPOSE)]
    return name if any(known) else None


def is_known(store: Store, name: str) -> bool:
    """Tell whether there is a channel of that name."""
    if not (name.isascii() and name.isalnum()):
        return False
    with store.read() as db:
        return db.scalar(select(PushChannel.id).where(PushChannel.name == name)) is not None


def hear(store: Store, notices: Iterable[Notice], now: datetime) -> int:
    """Take notices in, and return how many were news: neither of a channel that is not there, nor replayed.

    However many a calendar gets, it is read once soon.
    """
    ordered = sorted(set(notices), key=lambda notice: (notice.name, notice.number or 0))
    if not ordered:
        return 0
    # If the process dies before the commit, the provider has no answer: it tells again, or we read anyway.
    with store.write() as db:
        heard = [(notice, calendar) for notice in ordered if (calendar := _note(db, notice, now)) is not None]
        changed = {calendar for notice, calendar in heard if notice.news in (News.CHANGED, News.GONE)}
        if changed:
            rhythm.hasten(db, changed, now)
    return len(heard)


def _note(db: OrmSession, notice: Notice, now: datetime) -> int | None:
    """Note on its channel that it was heard; return the calendar, None where the notice tells nothing new."""
    # Theirs is still empty while the channel is being opened: the first notice can be faster than the answer.
    theirs = (
        {"", notice.provider_name} if notice.news in (News.CHANGED, News.HELLO) else {notice.provider_name}
    )
    channel = (
        update(PushChannel)
        .where(PushChannel.name == notice.name, PushChannel.provider_name.in_(theirs))
        .values(_effect(notice, now))
        .returning(PushChannel.calendar_id)
        .execution_options(synchronize_session=False)
    )
    if notice.number is not None:
        channel = channel.where(PushChannel.last_number < notice.number)
    return db.scalars(channel).one_or_none()


def _effect(notice: Notice, now: datetime) -> dict[str, Any]:
    columns: dict[str, Any] = {"heard_at": now}
    if notice.number is not None:
        columns["last_number"] = notice.number
    if notice.news in (News.ENDING, News.GONE):
        columns["renew_at"] = now
    if notice.news is News.GONE:
        columns["expires_at"] = now
    return columns


def _seal(key: bytes, name: str) -> str:
    return hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
