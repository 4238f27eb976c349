"""Google and Microsoft 365 with all that a connection can be. One face for both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from tests.contract.company import Connector, GoogleConnector
from tests.contract.outlook import OutlookConnector
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.fakes.graph import FakeGraph
from tests.fakes.graph.mailbox import write_time
from tests.fakes.graph.mirror import graph_id
from tests.fakes.graph.shapes import EmailAddress, Event, Recipient
from tracker.settings import GoogleClient, Settings

MADRID = ZoneInfo("Europe/Madrid")


class Service(Protocol):
    """One provider, as people and administrators meet it."""

    connector: Connector

    def settings(self) -> Settings:
        """Return the settings with which it is read, written to, watched and consented at."""

    def visit(self, url: str, person: str) -> dict[str, str]:
        """Open the consent page as that person and agree; return what the browser comes back with."""

    def end_companys_access(self) -> None:
        """Let nothing be read in the company's name any more."""

    def end_consent(self, person: str) -> None:
        """Take the person's consent back at the provider."""

    def go_away(self, person: str, first: date, last: date) -> None:
        """Be out of office on these days."""

    def come_back(self, person: str) -> None:
        """Delete the out-of-office entry."""

    def ring(self, client: FlaskClient) -> None:
        """Have the provider's notices go to that site."""

    def tell(self, person: str) -> list[int]:
        """Tell of a change of the person's calendar; return the status of each answer."""

    def requests(self) -> int:
        """Return how many requests there were since the last time."""


@dataclass
class GoogleService:
    """Our own Google."""

    google: FakeGoogle
    client: FlaskClient | None = None

    def __post_init__(self) -> None:
        self.connector: Connector = GoogleConnector(self.google)
        self.google.desk.delegated |= ALL_THAT_WE_USE
        self.google.desk.clients["client"] = "secret"

    def settings(self) -> Settings:
        roots = {f"google_{name}": root for name, root in self.google.place.items()}
        client = GoogleClient("client", "secret")
        return replace(self.connector.settings(), google_client=client, **roots)  # type: ignore[arg-type]

    def visit(self, url: str, person: str) -> dict[str, str]:
        return self.google.visit(url, person)

    def end_companys_access(self) -> None:
        self.google.desk.delegated.clear()

    def end_consent(self, person: str) -> None:
        self.google.desk.revoke(person)

    def go_away(self, person: str, first: date, last: date) -> None:
        start, until = _midnight(first), _midnight(last + timedelta(days=1))
        about = {"eventType": "outOfOffice", "summary": "Surgery"}
        self.leave = self.google.office.meet(person, (), start, until=until, **about)

    def come_back(self, person: str) -> None:
        self.google.office.cancel(self.leave)

    def ring(self, client: FlaskClient) -> None:
        self.client = client
        self.google.push.deliver(self._post)  # each channel says hello

    def tell(self, person: str) -> list[int]:
        for channel in self.google.push.channels.values():
            if channel.calendar.owner == person:
                channel.seen = -1
        return [status for _, status in self.google.push.deliver(self._post)]

    def requests(self) -> int:
        return len(self.google.methods())

    def _post(self, address: str, headers: object) -> int:
        assert self.client is not None
        return self.client.post(urlsplit(address).path, headers=headers).status_code


@dataclass
class OutlookService:
    """Our own Microsoft 365."""

    google: FakeGoogle
    graph: FakeGraph

    def __post_init__(self) -> None:
        self.connector: Connector = OutlookConnector(self.graph, self.google.office)
        self.graph.desk.roles = ("Calendars.ReadWrite",)

    def settings(self) -> Settings:
        return self.connector.settings()

    def visit(self, url: str, person: str) -> dict[str, str]:
        return self.graph.desk.page.visit(url, person)

    def end_companys_access(self) -> None:
        self.graph.desk.roles = ("User.Read.All",)
        kept = {name: holder for name, holder in self.graph.desk.issued.items() if holder.owner}
        self.graph.desk.issued = kept

    def end_consent(self, person: str) -> None:
        self.graph.desk.page.over[person] = 50173
        self.graph.desk.issued.clear()

    def go_away(self, person: str, first: date, last: date) -> None:
        self.graph.mailboxes[person].put(
            Event(
                id=graph_id("leave"),
                ical_uid="leave",
                subject="Surgery",
                start=write_time(datetime.combine(first, time.min, UTC)),
                end=write_time(datetime.combine(last + timedelta(days=1), time.min, UTC)),
                is_all_day=True,
                show_as="oof",
                is_organizer=True,
                organizer=Recipient(email_address=EmailAddress(address=person)),
            )
        )

    def come_back(self, person: str) -> None:
        self.graph.mailboxes[person].delete(graph_id("leave"))

    def ring(self, client: FlaskClient) -> None:
        def post(url: str, body: bytes, content_type: str) -> tuple[int, str, str]:
            parts = urlsplit(url)
            answer = client.post(f"{parts.path}?{parts.query}", data=body, content_type=content_type)
            return answer.status_code, answer.mimetype or "", answer.text

        self.graph.push.deliver = post

    def tell(self, person: str) -> list[int]:
        return self.graph.push.notify(person)

    def requests(self) -> int:
        count = len(self.graph.asked)
        self.graph.asked.clear()
        return count


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, MADRID)
