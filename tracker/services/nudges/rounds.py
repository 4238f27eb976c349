"""One round of reminding: what became due is noticed, and what is due is written. Sends nothing itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from tracker.services.freetime import Wish, coming_window, find_slots
from tracker.services.hosts import DiaryPorts
from tracker.services.nudges.bundling import Suggestion
from tracker.services.nudges.mailing import MailReport, NudgePorts, mail_nudges
from tracker.services.nudges.noticing import notice

Progress = Callable[[int, int], None]


class RemindPorts(NudgePorts, DiaryPorts, Protocol):
    """What it takes to write reminders with free times in them."""


def remind(ports: RemindPorts, now: datetime) -> MailReport:
    """Notice what became due since the last round, and write to those for whom the moment is good."""
    notice(ports.store, now)
    return write_letters(ports, now)


def write_letters(
    ports: RemindPorts, now: datetime, on_progress: Progress | None = None, share: int | None = None
) -> MailReport:
    """Write what is due to everybody, or to those of a share, with free times in it; as `mail_nudges`."""

    def suggest(pair_id: int, person_id: int, at: datetime) -> Sequence[Suggestion]:
        slots = find_slots(ports, pair_id, Wish(coming_window(at), for_id=person_id), at)
        return [Suggestion(slot.start, slot.end, is_sure=not slots.unseen) for slot in slots.offers]

    return mail_nudges(ports, suggest, now, on_progress, share)
