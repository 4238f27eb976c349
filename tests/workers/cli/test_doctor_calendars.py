"""The doctor on calendars: each is read by the way that its owner or the company gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations import google as google_connector
from integrations import outlook as outlook_connector
from integrations.registry import Ports, open_ports
from integrations.vault import fresh_key
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.graph import FakeGraph, running_graph
from tests.tracker.world import MENTOR, World
from tracker.clock import SystemClock
from tracker.models import Calendar, Credential, CredentialStatus, Provider
from tracker.ports import Want
from tracker.services import schema
from tracker.settings import GoogleClient, Settings
from tracker.store import Store
from workers.cli.doctoring import calendars

BACK = "https://cadencia.example.com/calendars/back"
READ = frozenset({Want.READ})


@dataclass
class Consented:
    """Somebody who connected a calendar by their own consent; `revoke` ends that at the provider."""

    ports: Ports
    provider: Provider
    revoke: Callable[[], object]

    def lines(self) -> list[str]:
        """Return what the doctor says of the calendars."""
        found = calendars.check_calendars(self.ports)
        return [f"{'ok' if f.is_fine else 'problem'} {f.text}" for f in found]

    @property
    def status(self) -> CredentialStatus:
        with self.ports.store.read() as db:
            return db.scalars(select(Credential)).one().status


def _open(settings: Settings, folder: Path) -> Ports:
    url = f"sqlite:///{folder / 'cadencia.sqlite'}"
    store = Store(url)
    schema.upgrade(store)
    store.close()
    return open_ports(replace(settings, database_url=url, secret_keys=(fresh_key(),)), SystemClock())


def _connect(ports: Ports, provider: Provider, visit: Callable[[str, str], dict[str, str]]) -> None:
    """Consent as a person does, and store what came of it as the site does."""
    desk = ports.consents.open(provider)
    assert desk is not None
    flow = desk.begin(BACK, READ, MENTOR)
    granted = desk.finish(flow.memory, visit(flow.url, MENTOR), ports.clock.now())
    world = World(ports.store, ports.vault)
    calendar_id = world.calendar(world.person(MENTOR), provider)
    with ports.store.write() as db:
        calendar = db.get_one(Calendar, calendar_id)
        row = Credential(person_id=calendar.person_id, provider=provider, account=MENTOR, refresh_token="")
        row.granted_at, row.scopes = ports.clock.now(), sorted(granted.scopes)
        db.add(row)
        db.flush()
        row.refresh_token = ports.vault.seal(granted.refresh_token or "", row.binding)
        calendar.credential_id = row.id
        calendar.address = ports.vault.seal(MENTOR, calendar.address_binding)


def _at_google(folder: Path) -> Iterator[Consented]:
    with running_google(FakeGoogle()) as google:
        google.desk.clients["client"] = "secret"
        google.office.hire(MENTOR)
        roots = {f"google_{name}": root for name, root in google.place.items()}
        ports = _open(Settings(google_client=GoogleClient("client", "secret"), **roots), folder)  # type: ignore[arg-type]
        _connect(ports, Provider.GOOGLE, google.visit)
        yield Consented(ports, Provider.GOOGLE, lambda: google.desk.revoke(MENTOR))
        ports.store.close()
    google_connector.close_connections()


def _at_outlook(folder: Path) -> Iterator[Consented]:
    with running_graph(FakeGraph(), folder) as graph:
        graph.hire(MENTOR)
        graph.desk.roles = ("Mail.Read",)  # the application's: only the owner lets us into the calendar

        def revoke() -> None:
            graph.desk.page.over[MENTOR] = 50173
            graph.desk.kill_tokens()

        ports = _open(graph.settings(), folder)
        _connect(ports, Provider.OUTLOOK, graph.desk.page.visit)
        yield Consented(ports, Provider.OUTLOOK, revoke)
        ports.store.close()
    outlook_connector.close_connections()


@pytest.fixture(params=[_at_google, _at_outlook], ids=["google", "outlook"])
def consented(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Consented]:
    """A calendar that only its owner's consent opens, at each provider in turn."""
    yield from request.param(tmp_path)


def test_a_consented_calendar_is_read_with_that_consent(consented: Consented) -> None:
    assert consented.lines() == ["ok calendars: 1 connected, 1 tried, 1 can be read"]


def test_a_consent_that_was_taken_back_is_told_as_that(consented: Consented) -> None:
    consented.revoke()
    told, summary = consented.lines()
    assert told.startswith(f"problem calendars: The calendar of {MENTOR}: it is no longer shared with us.")
    assert summary == "ok calendars: 1 connected, 1 tried, 0 can be read"
    assert consented.status is CredentialStatus.REFUSED
