"""Which entry of a reading is which copy that we know. Pure: touches neither rows nor the database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.events import CalendarEvent, EventStatus, Pull, PullKind, TagRule
from tracker.models import Copy
from tracker.observing import hash_lineage, instant_of, lineage_of, slot_of
from tracker.shifting import Slot, pair_slots

MOST_REMOVED = 5
MOST_REMOVED_SHARE = 0.2
FEWEST_TO_DOUBT_EMPTINESS = 3


@dataclass(frozen=True, slots=True)
class Matching:
    """`known` holds copies with the entry that each is now, `vanished` those that are not there any more."""

    known: tuple[tuple[Copy, CalendarEvent], ...]
    new: tuple[CalendarEvent, ...]
    vanished: tuple[Copy, ...]

    def removals(self) -> int:
        """Return how many sessions the reading would remove, as far as anybody would miss them."""
        return sum(map(_is_tracked, self.vanished))


def match_pull(copies: Sequence[Copy], pull: Pull, now: datetime) -> Matching:
    """Tell for every entry of the pull which of the calendar's copies it is, and which copies vanished."""
    events = _one_a_slot(pull.events)
    known = _match_by_name(copies, events)
    matched_copies = {id(copy) for copy, _ in known}
    matched_events = {id(event) for _, event in known}
    rest = [copy for copy in copies if id(copy) not in matched_copies]
    new = [event for event in events if id(event) not in matched_events]
    vanished = _vanished(rest, pull)
    moved = _match_moved_series(vanished, new, now)
    matched_copies |= {id(copy) for copy, _ in moved}
    matched_events |= {id(event) for _, event in moved}
    return Matching(
        known=(*known, *moved),
        new=tuple(event for event in new if id(event) not in matched_events),
        vanished=tuple(copy for copy in vanished if id(copy) not in matched_copies),
    )


def is_suspicious(matching: Matching, copies: Sequence[Copy], pull: Pull) -> bool:
    """Tell whether the pull takes away more than anybody deletes in one go, or is emptier than is likely."""
    in_reach = [copy for copy in copies if _is_tracked(copy) and _is_in_reach(copy, pull)]
    removed = matching.removals()
    if pull.kind is PullKind.FULL and not pull.looked_at and removed == len(in_reach):
        return removed >= FEWEST_TO_DOUBT_EMPTINESS
    return removed > max(MOST_REMOVED, MOST_REMOVED_SHARE * len(in_reach))


def _is_tracked(copy: Copy) -> bool:
    return (
        copy.gone_at is None
        and copy.status is not EventStatus.CANCELLED
        and copy.tag_rule is not TagRule.SUGGESTED
    )


def _one_a_slot(events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Drop what was delivered twice, and the slot that a split leaves over in the series before it."""
    best: dict[str, CalendarEvent] = {}
    for event in events:
        slot = slot_of(event)
        if slot not in best or _newness(event) >= _newness(best[slot]):
            best[slot] = event
    return list(best.values())


def _newness(event: CalendarEvent) -> tuple[bool, float]:
    return (
        event.status is not EventStatus.CANCELLED,
        event.updated_at.timestamp() if event.updated_at else 0.0,
    )


def _match_by_name(
    copies: Sequence[Copy], events: Sequence[CalendarEvent]
) -> list[tuple[Copy, CalendarEvent]]:
    # By the provider's id; else by the slot: ids change when an entry is moved to another folder, and when
    # "this and following" makes a new series out of the rest of an old one.
    listed = {event.provider_event_id for event in events}
    by_id = {copy.provider_event_id: copy for copy in copies}
    by_slot = {c.slot: c for c in sorted(copies, key=_freshness) if c.provider_event_id not in listed}
    known = []
    for event in events:
        copy = by_id.get(event.provider_event_id) or by_slot.pop(slot_of(event), None)
        if copy is not None:
            known.append((copy, event))
    return known


def _freshness(copy: Copy) -> tuple[bool, int]:
    return (copy.gone_at is None, copy.id)


def _vanished(copies: Iterable[Copy], pull: Pull) -> list[Copy]:
    alive = [copy for copy in copies if copy.gone_at is None]
    if pull.kind is PullKind.FULL:
        # What could not be understood this time was there all the same.
        unclear = {hash_lineage(aside.lineage) for aside in pull.set_aside if aside.lineage}
        return [copy for copy in alive if _is_in_reach(copy, pull) and copy.lineage not in unclear]
    gone = {*pull.removed, *pull.vanished}
    return [copy for copy in alive if copy.provider_event_id in gone]


def _is_in_reach(copy: Copy, pull: Pull) -> bool:
    return pull.kind is not PullKind.FULL or pull.window.start <= copy.starts_at < pull.window.end


def _match_moved_series(
    vanished: Sequence[Copy], new: Sequence[CalendarEvent], now: datetime
) -> list[tuple[Copy, CalendarEvent]]:
    appeared: dict[str, list[CalendarEvent]] = defaultdict(list)
    for event in new:
        if event.status is not EventStatus.CANCELLED:
            appeared[lineage_of(event)].append(event)
    left: dict[str, list[Copy]] = defaultdict(list)
    for copy in vanished:
        if copy.lineage in appeared and copy.status is not EventStatus.CANCELLED:
            left[copy.lineage].append(copy)
    return [pair for lineage, copies in left.items() for pair in _shift(copies, appeared[lineage], now)]


def _shift(
    copies: list[Copy], events: list[CalendarEvent], now: datetime
) -> list[tuple[Copy, CalendarEvent]]:
    copies = sorted(copies, key=lambda copy: (copy.slot_at, copy.slot))
    events = sorted(events, key=lambda event: (_slot_at(event), event.provider_event_id))
    changed = _changed_at(copies, events, now)
    old = [Slot(copy.slot_at, is_past=copy.ends_at <= changed) for copy in copies]
    fresh = [Slot(_slot_at(event), is_past=instant_of(event.end) <= changed) for event in events]
    return [(copies[i], events[j]) for i, j in pair_slots(old, fresh)]


def _changed_at(copies: list[Copy], events: list[CalendarEvent], now: datetime) -> datetime:
    """Return when the series was moved: its newest stamp, if that is newer than what we knew."""
    before = max((copy.updated_at for copy in copies if copy.updated_at), default=None)
    after = max((min(event.updated_at, now) for event in events if event.updated_at), default=now)
    return after if before is None or after > before else now


def _slot_at(event: CalendarEvent) -> datetime:
    return instant_of(event.original_start or event.start)
