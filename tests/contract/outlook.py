"""Outlook in the contract: the office's calendars as mailboxes of our own Microsoft 365."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.google import Office
from tests.fakes.graph import FakeGraph
from tests.fakes.graph.mirror import mirror_office
from tracker.models import Provider
from tracker.settings import Settings


@dataclass
class OutlookConnector:
    """The real client against our own Microsoft 365."""

    graph: FakeGraph
    office: Office
    provider: Provider = Provider.OUTLOOK
    tells_deletion: bool = True
    tells_changes: bool = True

    def settings(self) -> Settings:
        return self.graph.settings()

    def address(self, person: str) -> str:
        self.graph.mailboxes.get(person) or self.graph.hire(person)
        return person

    def publish(self) -> None:
        mirror_office(self.office, self.graph.mailboxes)

    def forget_cursors(self) -> None:
        for mailbox in self.graph.mailboxes.values():
            mailbox.expire_links()

    def repeat_everything(self) -> None:
        for mailbox in self.graph.mailboxes.values():
            mailbox.touch_all()

    def break_off(self, person: str) -> Callable[[], None]:
        mailbox = self.graph.mailboxes[person]
        size, mailbox.page_size = mailbox.page_size, 1
        mailbox.breaks_at = 1

        def mend() -> None:
            mailbox.page_size, mailbox.breaks_at = size, None

        return mend
