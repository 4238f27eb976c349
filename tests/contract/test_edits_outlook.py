"""Random edits, random syncs, read through Outlook: what we hold of a calendar is what it shows."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from integrations.outlook import close_connections
from tests.contract.company import Connector
from tests.contract.outlook import OutlookConnector
from tests.contract.test_edits import Edits
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph, running_graph


class EditsInOutlook(Edits):
    """The same deeds, in mailboxes, whose server is asked for nothing that Graph would answer otherwise."""

    def __init__(self) -> None:
        self.graph = FakeGraph()
        type(self).make_connector = self.open_graph
        super().__init__()

    def open_graph(self, google: FakeGoogle, folder: Path) -> Connector:
        """Let the mailboxes follow the office."""
        self.stack.enter_context(running_graph(self.graph, folder))
        self.stack.callback(close_connections)
        return OutlookConnector(self.graph, google.office)

    def teardown(self) -> None:
        """Look at all that was asked, too."""
        super().teardown()
        assert self.graph.defects == []

    def turn_pages(self, size: int, empty: bool) -> None:
        """Let listings come in many pages."""
        for mailbox in self.graph.mailboxes.values():
            mailbox.page_size, mailbox.empty_pages = size, empty


def test_what_we_hold_is_what_the_mailboxes_show() -> None:
    run_state_machine_as_test(
        EditsInOutlook,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
