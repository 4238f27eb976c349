"""Having providers tell us of changes: channels are opened, renewed before they end, and stopped.

Never reaches the network inside a transaction, and is never needed for being right: where no channel can be
opened, calendars are read more often. Whatever two processes do at once is wasteful at worst.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, ConnectorError
from tracker.models import Agreement, Calendar, CalendarStatus, ChannelState, Pair, Provider, PushChannel
from tracker.ports import Access, Watch, Watcher, Watchers
from tracker.services import rhythm
from tracker.services.credentials import CredentialPorts, access_of
from tracker.services.notices import mark_of, new_name
from tracker.services.scope import MARGIN

PROVIDERS = (Provider.GOOGLE, Provider.OUTLOOK)
# Both providers allow a week.
LASTS = timedelta(days=6)
# A channel is renewed when between this and this share of its time is left, each at its own place.
EARLIEST, LATEST = 0.4, 0.15
# Longer than a provider takes to answer: a claim that runs out means that its holder is gone.
CLAIM = timedelta(minutes=5)
AT_ONCE = 500  # the others have their turn a minute later
HOOKS = {Provider.GOOGLE: "/hooks/google", Provider.OUTLOOK: "/hooks/outlook/{name}"}

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


class PushPorts(CredentialPorts, Protocol):
    """What channels need of the outside world; `integrations.registry` opens it."""

    @property
    def watchers(self) -> Watchers:
        """Return what asks providers to tell us."""


class _Step(StrEnum):
    START = "start"
    RENEW = "renew"
    STOP = "stop"
    WAIT = "wait"
    FORGET = "forget"


@dataclass(slots=True)
class PushReport:
    """What was done: channels opened, renewed and closed, and how many providers failed us."""

    opened: int = 0
    renewed: int = 0
    closed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A channel that this process claimed, and how to reach the calendar that it watches."""

    id: int
    calendar_id: int
    provider: Provider
    name: str
    watch: Watch
    state: ChannelState
    failures: int
    has_successor: bool
    address: str = field(repr=False)
    access: Access | None

    def next_step(self, now: datetime) -> _Step:
        """Return what is to be done with it."""
        is_there = bool(self.watch.provider_name) and self.watch.expires_at > now
        if self.state is ChannelState.OPEN:
            return _Step.RENEW if is_there else _Step.START
        if not is_there:
            return _Step.FORGET
        # The old one is stopped only when the new one works, so that nothing falls between the two.
        return _Step.WAIT if self.has_successor else _Step.STOP


def tend_channels(ports: PushPorts, now: datetime, on_progress: Progress | None = None) -> PushReport:
    """Open the channels that are wanted, renew those that end soon, and stop those that are not needed.

    A few hundred at a time; each is claimed, so it may run in many processes at once.
    """
    with ports.store.write() as db:
        _retire(db, now, is_on=ports.settings.push)
        if ports.settings.push:
            _appoint(db, now)
    with ports.store.read() as db:
        due = select(PushChannel.id).where(PushChannel.renew_at <= now)
        ids = db.scalars(due.order_by(PushChannel.renew_at, PushChannel.id).limit(AT_ONCE)).all()
    report = PushReport()
    for done, channel_id in enumerate(ids, 1):
        if (held := _claim(ports, channel_id, now)) is not None:
            _tend(ports, held, now, report)
        if on_progress:
            on_progress(done, len(ids))
    return report


def _wanted(now: datetime) -> ColumnElement[bool]:
    """Return the condition for a calendar that is read, and whose owner is paired."""
    is_members = or_(Pair.mentor_id == Calendar.person_id, Pair.mentee_id == Calendar.person_id)
    runs = Agreement.ends_on >= (now - MARGIN).date()
    paired = exists().where(is_members, Agreement.pair_id == Pair.id, runs)
    return and_(Calendar.status == CalendarStatus.CONNECTED, Calendar.provider.in_(PROVIDERS), paired)


def _retire(db: OrmSession, now: datetime, *, is_on: bool) -> None:
    """Close the channels that nobody wants any more, or that watch an address that the calendar has left.

    Whether its owner is still paired is asked of a channel when it is to be renewed: to ask it of a million
    each minute would take longer than the minute.
    """
    if not is_on:
        _close(db, now)
        return
    of_channel = Calendar.id == PushChannel.calendar_id
    is_same = exists().where(
        of_channel,
        Calendar.fingerprint == PushChannel.fingerprint,
        Calendar.status == CalendarStatus.CONNECTED,
    )
    _close(db, now, ~is_same)
    _close(db, now, PushChannel.renew_at <= now, ~exists().where(of_channel, _wanted(now)))


def _close(db: OrmSession, now: datetime, *which: ColumnElement[bool]) -> None:
    db.execute(
        update(PushChannel)
        .where(PushChannel.state == ChannelState.OPEN, *which)
        .values(state=ChannelState.CLOSING, renew_at=now)
        .execution_options(synchronize_session=False)
    )


def _appoint(db: OrmSession, now: datetime) -> None:
    """Make a row for each calendar that is to be watched; only one that can be read is worth trying."""
    is_open = exists().where(PushChannel.calendar_id == Calendar.id, PushChannel.state == ChannelState.OPEN)
    works = and_(Calendar.last_read_at.is_not(None), Calendar.failures == 0)
    lacking = select(Calendar.id).where(_wanted(now), works, ~is_open).order_by(Calendar.id).limit(AT_ONCE)
    if ids := db.scalars(lacking).all():
        # Whoever else appoints waits here, and then sees what we made.
        calendars = db.scalars(
            select(Calendar).where(Calendar.id.in_(ids)).order_by(Calendar.id).with_for_update()
        ).all()
        taken = set(
            db.scalars(
                select(PushChannel.calendar_id).where(
                    PushChannel.calendar_id.in_(ids), PushChannel.state == ChannelState.OPEN
                )
            )
        )
        db.add_all([_new_channel(each, now, now) for each in calendars if each.id not in taken])


def _new_channel(calendar: Calendar, now: datetime, due_at: datetime) -> PushChannel:
    return PushChannel(
        calendar_id=calendar.id,
        name=new_name(),
        provider_name="",
        fingerprint=calendar.fingerprint,
        expires_at=now,
        renew_at=due_at,
        created_at=now,
    )


def _claim(ports: PushPorts, channel_id: int, now: datetime) -> _Held | None:
    """Make the channel ours for a while; None where another process was faster.

    If the process dies after this, the claim runs out and the channel is due again.
    """
    with ports.store.write() as db:
        claimed = db.execute(
            update(PushChannel)
            .where(PushChannel.id == channel_id, PushChannel.renew_at <= now)
            .values(renew_at=now + CLAIM)
            .execution_options(synchronize_session=False)
        )
        if not _is_done(claimed):
            return None
        return _held(ports, db, db.get_one(PushChannel, channel_id))


def _held(ports: PushPorts, db: OrmSession, channel: PushChannel) -> _Held:
    calendar = channel.calendar
    successor = select(PushChannel.id).where(
        PushChannel.calendar_id == calendar.id,
        PushChannel.state == ChannelState.OPEN,
        PushChannel.provider_name == "",
    )
    return _Held(
        id=channel.id,
        calendar_id=calendar.id,
        provider=calendar.provider,
        name=channel.name,
        watch=Watch(channel.provider_name, channel.expires_at),
        state=channel.state,
        failures=channel.failures,
        has_successor=db.scalar(successor.limit(1)) is not None,
        address=ports.vault.open(calendar.address, calendar.address_binding),
        access=access_of(ports, calendar),
    )


def _tend(ports: PushPorts, held: _Held, now: datetime, report: PushReport) -> None:
    step = held.next_step(now)
    try:
        _take(ports, held, step, now, report)
    except ConnectorError as error:
        report.failed += 1
        _note_failure(ports, held, step, error, now)
    except Exception as error:
        # What an exception says may hold an address: its name has to do.
        _log.error("channel of calendar %d: %s failed: %s", held.calendar_id, step, type(error).__name__)
        report.failed += 1
        _note_failure(ports, held, step, ConnectorError("the connector failed", code="internal"), now)


def _take(ports: PushPorts, held: _Held, step: _Step, now: datetime, report: PushReport) -> None:
    if step is _Step.START:
        report.opened += _start(ports, held, now)
    elif step is _Step.RENEW:
        watch = _watcher(ports, held).renew(held.watch, now + LASTS)
        if watch is not None:
            report.renewed += _keep(ports, held, watch, now)
        elif (successor := _succeed(ports, held, now)) is not None:
            report.opened += _start(ports, successor, now)
    elif step is not _Step.WAIT:  # that one is looked at again when its claim runs out
        if step is _Step.STOP:
            _watcher(ports, held).stop(held.name, held.watch)
        # If the process dies here, the channel is stopped once more: one that is gone is no error.
        _forget(ports, held)
        report.closed += 1


def _start(ports: PushPorts, held: _Held, now: datetime) -> bool:
    """Open the channel at the provider, and have the calendar read: of what changed before, nobody tells."""
    # The name that an earlier try had may be taken at the provider by a channel that we know nothing of.
    fresh = replace(held, name=new_name())
    watcher = _watcher(ports, held)
    with ports.store.write() as db:
        _change(db, held, {"name": fresh.name, "provider_name": "", "last_number": 0, "heard_at": None})
    callback = ports.settings.base_url + HOOKS[held.provider].format(name=fresh.name)
    watch = watcher.start(fresh.name, mark_of(ports.settings.keys, fresh.name), callback, now + LASTS)
    # If the process dies here, the row is started again under another name: notices of this channel name
    # nobody then, and it ends by itself.
    if not _keep(ports, fresh, watch, now):
        watcher.stop(fresh.name, watch)
        return False
    with ports.store.write() as db:
        rhythm.hasten(db, [held.calendar_id], now)
    return True


def _succeed(ports: PushPorts, held: _Held, now: datetime) -> _Held | None:
    """Put a new channel in the place of one that can not be renewed; None where that was closed meanwhile."""
    # If the process dies after this, the new one is started when its claim runs out, and the old one stays
    # until then.
    with ports.store.write() as db:
        if not _change(db, held, {"state": ChannelState.CLOSING}):
            return None
        channel = _new_channel(db.get_one(Calendar, held.calendar_id), now, now + CLAIM)
        db.add(channel)
        db.flush()
        return replace(held, id=channel.id, name=channel.name, failures=0)


def _keep(ports: PushPorts, held: _Held, watch: Watch, now: datetime) -> bool:
    """Note what the provider gave; False where the row is not what it was."""
    lasts = max(watch.expires_at - now, timedelta(0))
    left = LATEST + (EARLIEST - LATEST) * rhythm.place_of(held.id)
    columns: dict[str, Any] = {
        "provider_name": watch.provider_name,
        "expires_at": watch.expires_at,
        "renew_at": watch.expires_at - lasts * left,
        "failures": 0,
    }
    if held.provider is Provider.OUTLOOK:
        columns["heard_at"] = now  # it called us before it said yes; Google says hello afterwards
    with ports.store.write() as db:
        return _change(db, held, columns)


def _note_failure(ports: PushPorts, held: _Held, step: _Step, error: ConnectorError, now: datetime) -> None:
    if step is _Step.STOP and isinstance(error, AuthRevoked):
        # There is nobody left in whose name it could be stopped: it ends by itself.
        _forget(ports, held)
        return
    columns: dict[str, Any] = {"failures": held.failures + 1}
    columns["renew_at"] = now + rhythm.wait_after(held.failures, error)
    if step is _Step.RENEW and error.code == "not_found":
        columns |= {"provider_name": "", "renew_at": now}
    with ports.store.write() as db:
        db.execute(update(PushChannel).where(PushChannel.id == held.id).values(columns))
        if held.watch.expires_at <= now:
            rhythm.hasten(db, [held.calendar_id], now)  # nobody tells of changes now


def _forget(ports: PushPorts, held: _Held) -> None:
    with ports.store.write() as db:
        db.execute(delete(PushChannel).where(PushChannel.id == held.id))


def _change(db: OrmSession, held: _Held, columns: dict[str, Any]) -> bool:
    """Change the row if it still is the channel that was claimed; tell whether it was."""
    same = (PushChannel.id == held.id, PushChannel.name == held.name, PushChannel.state == held.state)
    statement = update(PushChannel).where(*same).values(columns)
    return _is_done(db.execute(statement.execution_options(synchronize_session=False)))


def _is_done(result: object) -> bool:
    return isinstance(result, CursorResult) and result.rowcount == 1


def _watcher(ports: PushPorts, held: _Held) -> Watcher:
    watcher = ports.watchers.open(held.provider, held.address, held.access)
    if watcher is None:
        raise ConnectorError("This provider has no push.", code="not_available")
    return watcher
