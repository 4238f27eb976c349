"""Calendars that can be written to, in memory: they keep what a provider keeps, and fail when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tracker.errors import ConnectorError
from tracker.events import Window
from tracker.ports import Access, Diary, Entry, Meeting

Failure = ConnectorError | Exception | None


class Killed(BaseException):
    """The process is gone: nothing after this line was ever run."""


def refused(code: str) -> ConnectorError:
    """The provider says no."""
    return ConnectorError("refused", code=code)


@dataclass
class Shelf:
    """One account's calendar. `before` and `after` are raised once, around the next call that writes."""

    entries: dict[str, Entry] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    busy: dict[str, tuple[Window, ...] | None] = field(default_factory=dict)
    before: list[BaseException] = field(default_factory=list)
    after: list[BaseException] = field(default_factory=list)
    closed: ConnectorError | None = None
    answers: threading.Event | None = None  # free time is told once this is set
    told: list[str] = field(default_factory=list)
    meddle: Callable[[], None] | None = None  # happens once, right after the next look
    meanwhile: Callable[[], object] | None = None  # happens once, while the next writing is on its way back

    def edit(self, entry_id: str, **changes: object) -> None:
        """Let somebody change the entry in the calendar itself."""
        entry = self.entries[entry_id]
        self.entries[entry_id] = replace(entry, version=f"{int(entry.version) + 1}", **changes)  # type: ignore[arg-type]

    @property
    def standing(self) -> list[Entry]:
        """The entries that are not cancelled."""
        return [entry for entry in self.entries.values() if not entry.is_cancelled]


@dataclass
class FakeDiaries:
    """All accounts, by address."""

    shelves: dict[str, Shelf] = field(default_factory=dict)

    def shelf(self, address: str) -> Shelf:
        """Return the calendar of that account."""
        return self.shelves.setdefault(address, Shelf())

    def open(self, provider: str, address: str, access: Access | None = None) -> Diary:
        """Return the diary of the account."""
        return FakeDiary(self.shelf(address))

    @property
    def standing(self) -> list[Entry]:
        """All entries of all accounts that are not cancelled."""
        return [entry for shelf in self.shelves.values() for entry in shelf.standing]


@dataclass
class FakeDiary:
    """One account, as the port wants it."""

    shelf: Shelf

    def free_busy(self, people: Sequence[str], window: Window) -> Mapping[str, tuple[Window, ...] | None]:
        """Answer as scripted."""
        self._check()
        if self.shelf.answers:
            self.shelf.answers.wait(10)
        return {address: self.shelf.busy.get(address) for address in people}

    def create(self, meeting: Meeting) -> Entry:
        """Write the entry once, whatever the number of tries."""

        def write() -> Entry:
            if meeting.reference not in self.shelf.entries:
                entry = Entry(meeting.reference, "1", meeting.starts_at, meeting.ends_at)
                self.shelf.entries[meeting.reference] = entry
                self.shelf.told.append("invited")
            self.shelf.meetings[meeting.reference] = meeting
            return self.shelf.entries[meeting.reference]

        return self._do(write)

    def look(self, provider_event_id: str) -> Entry | None:
        """Return the entry."""
        self._check()
        entry = self.shelf.entries.get(provider_event_id)
        if self.shelf.meddle:
            meddle, self.shelf.meddle = self.shelf.meddle, None
            meddle()
        return entry

    def move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        """Move the entry if nobody else did."""

        def write() -> Entry:
            self._check_version(entry)
            self.shelf.edit(entry.provider_event_id, starts_at=starts_at, ends_at=ends_at)
            self.shelf.told.append("moved")
            return self.shelf.entries[entry.provider_event_id]

        return self._do(write)

    def cancel(self, entry: Entry) -> None:
        """Cancel the entry if nobody changed it."""

        def write() -> Entry:
            self._check_version(entry)
            self.shelf.edit(entry.provider_event_id, is_cancelled=True)
            self.shelf.told.append("cancelled")
            return entry

        self._do(write)

    def _do(self, write: Callable[[], Entry]) -> Entry:
        self._check()
        if self.shelf.before:
            raise self.shelf.before.pop(0)
        entry = write()
        if self.shelf.meanwhile:
            meanwhile, self.shelf.meanwhile = self.shelf.meanwhile, None
            meanwhile()
        if self.shelf.after:
            raise self.shelf.after.pop(0)
        return entry

    def _check(self) -> None:
        if self.shelf.closed:
            raise self.shelf.closed

    def _check_version(self, entry: Entry) -> None:
        if self.shelf.entries[entry.provider_event_id].version != entry.version:
            raise refused("changed")
