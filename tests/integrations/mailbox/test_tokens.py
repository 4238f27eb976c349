"""A mailbox at Microsoft 365 takes no password: the application shows a token, and shows it nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations import outlook
from integrations.registry import open_ports
from integrations.vault import fresh_key
from tests.fakes.graph import FakeGraph
from tests.fakes.graph.server import running_graph
from tests.fakes.imap import FakeImap
from tracker.clock import FixedClock
from tracker.errors import AuthRevoked, BadSettings, ConnectorError
from tracker.incoming import MailboxReader
from tracker.settings import Settings


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[FakeGraph]:
    """A Microsoft 365, whose tokens open the mailbox."""
    with running_graph(FakeGraph(), tmp_path) as running:
        yield running
        outlook.close_connections()


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def mailbox(settings: Settings, imap: FakeImap, folder: Path) -> MailboxReader:
    """Return the mailbox of an installation with these settings, and with no password."""
    here = replace(
        settings,
        database_url=f"sqlite:///{folder / 'x.sqlite'}",
        secret_keys=(fresh_key(),),
        mailbox_url=imap.url(password=None),
    )
    ports = open_ports(here, FixedClock(NOW))
    ports.store.close()
    assert ports.mailbox is not None
    return ports.mailbox


def test_it_shows_a_token_for_the_mail_server_itself(
    graph: FakeGraph, imap: FakeImap, tmp_path: Path
) -> None:
    imap.tokens = graph.desk.issued
    reader = mailbox(graph.settings(), imap, tmp_path)
    assert (graph.desk.requests, reader.check(), reader.check(), graph.desk.requests) == (0, 0, 0, 1)
    assert graph.desk.scopes == ["https://127.0.0.1/.default"]


def test_a_refused_token_is_told_and_replaced(
    graph: FakeGraph, imap: FakeImap, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reader = mailbox(graph.settings(), imap, tmp_path)
    with pytest.raises(AuthRevoked) as refused:
        reader.check()
    assert refused.value.code == "mailbox_token"
    assert [token for token in graph.desk.issued if token in f"{refused.value!r} {caplog.text}"] == []
    # Tokens name the rights that there were when they were made: one that was refused is of no use any more.
    imap.tokens = set(list(graph.desk.issued)[1:])
    assert (reader.check(), graph.desk.requests) == (0, 2)


def test_why_there_is_no_token_is_told(graph: FakeGraph, imap: FakeImap, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError) as refused:
        mailbox(graph.settings(client_secret="wrong"), imap, tmp_path).check()
    assert refused.value.code == "app_refused"


def test_no_password_and_no_application_is_said_at_the_start(imap: FakeImap, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"no password.*CADENCIA_MICROSOFT_TENANT"):
        mailbox(Settings(), imap, tmp_path)


def test_a_token_is_not_sent_in_the_clear(
    graph: FakeGraph, imap: FakeImap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.mailbox.client._is_loopback", lambda _host: False)
    with pytest.raises(ConnectorError, match="nothing secret is sent without"):
        mailbox(graph.settings(), imap, tmp_path).check()
    assert graph.desk.requests == 0
