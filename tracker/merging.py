"""One session's history out of all copies that calendars show of it. No database, no clock.

The organiser's copy is the authority on time and cancellation, a person's own copy on that person's answer;
a feed counts where no calendar service tells. The history is a function of what each calendar said by itself,
so it is the same in whichever order the calendars were read.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from tracker.events import Response
from tracker.ledger import Observation, Side, Status
from tracker.ledger.zones import find_midnight
from tracker.observing import Seen

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CopyHistory:
    """What one calendar said of a session: `seen` is sorted by `at` and not empty.

    `owner` and `organiser` are names of people as `Seen.responses` has them; `organiser` is None where it is
    nobody of the pair. `label` is the same however often the calendar is read: it settles what nothing else
    does. `is_service`: a calendar's own service told, not a feed. `gone_at`: the calendar did not show it any
    more; `unread_from`: the calendar itself was taken away, and nobody knows what became of the entry.
    """

    owner: str
    organiser: str | None
    is_organisers: bool
    is_service: bool
    is_of_series: bool
    label: str
    seen: tuple[Seen, ...]
    sequence: int | None = None
    updated_at: datetime | None = None
    gone_at: datetime | None = None
    unread_from: datetime | None = None

    def last_at(self, at: datetime) -> Seen | None:
        """Return what the copy said at that moment, None before it is known to have existed."""
        if len(self.seen) == 1:
            return self.seen[0] if self.seen[0].at <= at else None
        count = bisect_right(self.seen, at, key=lambda seen: seen.at)
        return self.seen[count - 1] if count else None

    @property
    def rank(self) -> tuple[bool, bool, int, float, str]:
        """Return what the copy's word on time and cancellation weighs: the highest is believed."""
        changed = self.updated_at.timestamp() if self.updated_at else 0.0
        return (self.is_organisers, self.is_service, self.sequence or 0, changed, self.label)


@dataclass(frozen=True, slots=True)
class Members:
    """The two people by the names that responses have, and the zone in which a date is a day of theirs."""

    sides: Mapping[str, Side]
    timezone: str


@dataclass(frozen=True, slots=True)
class CalledOff:
    """What the pair answered when the entry vanished: cancelled, since then."""

    at: datetime
    by: Side | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """One moment at which something may have changed, and the copy that is believed then."""

    at: datetime
    copy: CopyHistory
    seen: Seen
    is_newest: bool  # of several things that the copy said at this very moment


def merge_copies(
    copies: Sequence[CopyHistory], members: Members, called_off: CalledOff | None = None
) -> tuple[Observation, ...]:
    """Return the session's observations, oldest first, no two in a row alike; empty without copies."""
    merged: list[Observation] = []
    for turn in _turns(copies, [called_off.at] if called_off else []):
        observation = _observation(turn, copies, members)
        if called_off and turn.at >= called_off.at and not _revived(copies, called_off, turn.at):
            observation = replace(observation, status=Status.CANCELLED, cancelled_by=called_off.by)
        if merged and turn.copy.is_of_series and merged[-1].ends_at <= turn.at:
            # Whoever edits a series moves its past as well; nobody is accused of a session that had ended.
            observation = replace(observation, starts_at=merged[-1].starts_at, ends_at=merged[-1].ends_at)
        if not merged or not _is_same(merged[-1], observation):
            merged.append(observation)
    return tuple(merged)


def _last_words(copies: Sequence[CopyHistory]) -> dict[str, datetime]:
    """Return until when each copy, by its label, has a say against those that are still there.

    A copy that vanished yields to one that said "cancelled" after its last word, from then on: an organiser's
    copy that is deleted leaves nothing behind but the invited people's cancelled copies.
    """
    words = {}
    for copy in copies:
        end = min(copy.gone_at or _NEVER, copy.unread_from or _NEVER)
        if end is not _NEVER:
            after = copy.seen[-1].at
            cancelled = [s.at for c in copies if c is not copy for s in c.seen if s.is_off and s.at >= after]
            end = min([end, *cancelled])
        words[copy.label] = end
    return words


def _turns(copies: Sequence[CopyHistory], further: Sequence[datetime]) -> Iterator[_Turn]:
    ends = _last_words(copies)
    instants = {moment for copy in copies for seen in copy.seen for moment in (seen.at, seen.sure_from)}
    instants.update(further, (end for end in ends.values() if end is not _NEVER))
    for at in sorted(instants):
        copy = _believed(copies, ends, at)
        newest = copy.last_at(at) if copy else None
        if copy is None or newest is None:
            continue
        for seen in [seen for seen in copy.seen if seen.at == at] or [newest]:
            yield _Turn(at, copy, seen, seen is newest)


def _believed(
    copies: Sequence[CopyHistory], ends: Mapping[str, datetime], at: datetime
) -> CopyHistory | None:
    """Return the copy whose word holds at that moment.

    Who knows goes before who only presumes; where all presume, whoever knows soonest: a calendar that was
    connected after the meeting had moved must not wipe out what another one saw before.
    """
    known = [(copy, seen) for copy in copies if (seen := copy.last_at(at)) is not None]
    if len(known) < 2:
        return known[0][0] if known else None
    sure = [copy for copy, seen in known if seen.sure_from <= at]
    if sure:
        return _strongest(sure, ends, at)
    soonest = min(seen.sure_from for _, seen in known)
    return max((copy for copy, seen in known if seen.sure_from == soonest), key=lambda copy: copy.rank)


def _strongest(copies: Sequence[CopyHistory], ends: Mapping[str, datetime], at: datetime) -> CopyHistory:
    """Return the copy of the highest rank among those that have a say.

    Where two people's calendars both call the entry their own, one of them can not call it off alone: Google
    leaves a cancelled copy behind where an entry went to another organiser.
    """
    in_order = sorted(copies, key=lambda copy: (ends[copy.label] > at, copy.rank))
    best = in_order[-1]
    if not best.is_organisers or not _is_off(best, at):
        return best
    of_owners = {copy.owner: copy for copy in in_order if copy.is_organisers and ends[copy.label] > at}
    standing = [copy for copy in of_owners.values() if not _is_off(copy, at)]
    return max(standing, key=lambda copy: copy.rank, default=best)


def _is_off(copy: CopyHistory, at: datetime) -> bool:
    seen = copy.last_at(at)
    return seen is not None and seen.is_off


def _observation(turn: _Turn, copies: Sequence[CopyHistory], members: Members) -> Observation:
    copy, seen = turn.copy, turn.seen
    dropped = _dropped_by_organiser(copy, seen, members)
    off = seen.is_off or dropped
    organiser = members.sides.get(copy.organiser) if copy.organiser else None
    return Observation(
        at=turn.at,
        starts_at=_local(seen.starts_at, members.timezone) if seen.all_day else seen.starts_at,
        ends_at=_local(seen.ends_at, members.timezone) if seen.all_day else seen.ends_at,
        status=Status.CANCELLED if off else Status.CONFIRMED,
        declined_by=_declined_by(copies, members, turn) if turn.is_newest else (),
        cancelled_by=organiser if off and (seen.by_organiser or dropped) else None,
    )


def _dropped_by_organiser(copy: CopyHistory, seen: Seen, members: Members) -> bool:
    # The organiser took the other one off the entry: for this pair, that is a cancellation.
    if not copy.is_organisers or len(copy.seen) == 1:
        return False
    others = members.sides.keys() - {copy.owner}
    return any(
        other not in seen.responses and any(other in s.responses for s in copy.seen if s.at <= seen.at)
        for other in others
    )


def _declined_by(copies: Sequence[CopyHistory], members: Members, turn: _Turn) -> tuple[Side, ...]:
    said = {
        side
        for person, side in members.sides.items()
        if _response(copies, person, turn.at) is Response.DECLINED
    }
    return tuple(sorted(said))


def _response(copies: Sequence[CopyHistory], person: str, at: datetime) -> Response:
    """Return the person's answer at that moment: from their own calendar's service, else whoever tells."""
    told = [
        ((copy.owner == person, copy.rank), copy, seen.responses[person])
        for copy in copies
        if (seen := copy.last_at(at)) is not None and person in seen.responses
    ]
    for _, copy, response in sorted(told, key=lambda entry: entry[0], reverse=True):
        if response is not Response.NONE or (copy.owner == person and copy.is_service):
            return response
    return Response.NONE


def _revived(copies: Sequence[CopyHistory], called_off: CalledOff, at: datetime) -> bool:
    return any(
        called_off.at < seen.at <= at and not seen.is_off
        for copy in copies
        if copy.gone_at is None
        for seen in copy.seen
    )


def _is_same(one: Observation, other: Observation) -> bool:
    return replace(one, at=other.at) == other


def _local(midnight: datetime, timezone: str) -> datetime:
    """Return when the date that a midnight in UTC stands for begins in the pair's zone."""
    return find_midnight(ZoneInfo(timezone), midnight.toordinal())
