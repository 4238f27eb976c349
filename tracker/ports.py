"""What the domain needs from the outside world, as protocols. `integrations.registry` builds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from tracker.events import Conference, Pull, Window
from tracker.tags import TagRules


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""


# A person's own consent


class Access(Protocol):
    """A way in that has a token. Safe to share between threads."""

    def token(self) -> str:
        """Return a token that is good for some minutes. Raises ConnectorError."""

    def replace(self, refused: str) -> str:
        """Return another token than the one that was refused. Raises ConnectorError."""


class Want(StrEnum):
    """What a consent is asked for; each provider has its own, narrowest, names for it."""

    READ = "read"
    WRITE = "write"
    FREE_BUSY = "free_busy"
    ATTENDANCE = "attendance"


@dataclass(frozen=True, slots=True)
class Flow:
    """A consent that begins: where to send the person, and what to remember on our side until the answer."""

    url: str
    state: str = field(repr=False)
    memory: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a provider gave. `refresh_token` None: the one that we have goes on. `scopes` by its own names."""

    account: str | None
    scopes: frozenset[str]
    access_token: str = field(repr=False)
    access_until: datetime
    refresh_token: str | None = field(default=None, repr=False)


class ConsentDesk(Protocol):
    """Where one provider's consents are asked for (OAuth 2.0 with PKCE), renewed and given back."""

    def begin(self, redirect_uri: str, wants: frozenset[Want], hint: str | None) -> Flow:
        """Return how to ask. No network. `hint` is the account that the person is expected to use."""

    def finish(self, memory: str, answer: Mapping[str, str], now: datetime) -> Granted:
        """Return what came of it; `answer` are the parameters that the person came back with.

        Raises ConnectorError: `consent_denied`, `consent_failed`, or what a refused grant means.
        """

    def refresh(self, refresh_token: str, now: datetime) -> Granted:
        """Return a new access token. Raises AuthRevoked where the consent is over, else ConnectorError."""

    def revoke(self, refresh_token: str) -> None:
        """Give the consent back at the provider, as far as it lets us. Raises ConnectorError."""

    def covers(self, scopes: frozenset[str], want: Want) -> bool:
        """Tell whether what was granted is enough for `want`."""

    def needed(self, scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
        """Return those of `scopes` that `wants` need, of several that would do the narrowest."""


class Consents(Protocol):
    """The desks of the providers that are set up for it."""

    def open(self, provider: str) -> ConsentDesk | None:
        """Return the provider's desk, None where the installation has no client there. No network."""


# Calendars


class CalendarSource(Protocol):
    """One calendar of one person, ready to be read. Not shared between threads; opened for each reading."""

    def pull(self, cursor: str | None, window: Window, rules: TagRules) -> Pull:
        """Read the calendar completely, or what changed since `cursor`, keeping only what `rules` match.

        An UNCHANGED or FULL answer means that the calendar was read to its end. Anything less raises
        ConnectorError, and then nothing that was known before has changed.
        """


class Sources(Protocol):
    """Opens calendars by provider."""

    def open(
        self, provider: str, address: str, timezone: str, access: Access | None = None
    ) -> CalendarSource:
        """Return the source for `address` (a path, a URL or an account; a secret). No network yet.

        `timezone` is the owner's: floating and all-day entries are read in it. `access` is the owner's own
        consent; without one the company's is used.
        """


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who is asked to a meeting."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session as it is to stand in calendars. `reference` is ours, signed; the same one is the same entry.

    `title` and `notes` are in the host's language and carry the tag; they are written and never stored here.
    """

    reference: str
    title: str = field(repr=False)
    notes: str = field(repr=False)
    starts_at: datetime
    ends_at: datetime
    timezone: str
    invitees: tuple[Invitee, ...]
    online: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at the provider. `version` is its etag or change key; instants in UTC."""

    provider_event_id: str
    version: str
    starts_at: datetime
    ends_at: datetime
    is_cancelled: bool = False


class Diary(Protocol):
    """One person's calendar, to be asked for free time and written to. Opened for each use.

    All methods raise ConnectorError: `no_right` or `no_scope` where we may not, `changed` where the entry is
    not any more at the version that was named, `not_found` where it is gone. Each may run twice.
    """

    def free_busy(self, people: Sequence[str], window: Window) -> Mapping[str, tuple[Window, ...] | None]:
        """Return when these addresses are busy, sorted, no overlaps; None for whom nobody can tell."""

    def create(self, meeting: Meeting) -> Entry:
        """Write the meeting, or return the entry that an earlier try with its reference wrote."""

    def look(self, provider_event_id: str) -> Entry | None:
        """Return the entry as it is now, None where there is none."""

    def move(self, entry: Entry, starts_at: datetime, ends_at: datetime) -> Entry:
        """Give the entry its new time, if it still is at `entry.version`; all invited are told."""

    def cancel(self, entry: Entry) -> None:
        """Call the meeting off, if it still is at `entry.version`; all invited are told."""


class Diaries(Protocol):
    """Opens calendars for writing."""

    def open(self, provider: str, address: str, access: Access | None = None) -> Diary:
        """Return the diary of `address`. No network yet. Raises ConnectorError where there is none."""


# Push


@dataclass(frozen=True, slots=True)
class Watch:
    """A channel at the provider: its name there, and when it ends."""

    provider_name: str
    expires_at: datetime


class Watcher(Protocol):
    """Has one calendar's provider tell us of changes. All methods raise ConnectorError."""

    def start(self, name: str, secret: str, callback: str, until: datetime) -> Watch:
        """Open a channel; `callback` is the https address that notices go to."""

    def renew(self, watch: Watch, until: datetime) -> Watch | None:
        """Make the channel last longer. None where this provider can not: then a new one is started."""

    def stop(self, name: str, watch: Watch) -> None:
        """End the channel. One that is gone already is no error."""


class Watchers(Protocol):
    """Opens what asks for push, by provider."""

    def open(self, provider: str, address: str, access: Access | None = None) -> Watcher | None:
        """Return the watcher of `address`, None where the provider has no push. No network yet."""


# Who was in the online meeting


@dataclass(frozen=True, slots=True)
class Stay:
    """One person's stay in an online meeting. `email` is lower case."""

    email: str
    joined_at: datetime
    left_at: datetime


class Recorder(Protocol):
    """Tells from one person's account who was in a meeting."""

    def stays(
        self, conference: Conference, window: Window, people: frozenset[str]
    ) -> tuple[Stay, ...] | None:
        """Return the stays of those of `people` (addresses) who were there in `window`, sorted.

        None where nothing was recorded, and where somebody was there who may be one of `people` that was not
        found: it tells nothing. Raises ConnectorError (`no_scope`, ...).
        """


class Recorders(Protocol):
    """Opens meeting records by provider."""

    def open(
        self,
        provider: str,
        address: str,
        access: Access | None = None,
        others: Mapping[str, Access] | None = None,
    ) -> Recorder | None:
        """Return the recorder of `address`, None where the provider keeps none. No network yet.

        `others` are further people's consents, by their accounts: they are asked who they are in the record,
        where it names nobody by address, and nothing else.
        """


@dataclass(frozen=True, slots=True)
class Rights:
    """What a provider lets us do, for one account; each by the provider's own name and sorted.

    `needed` were granted and are used, `missing` are used and were not granted, `excess` were granted and
    are more than needed.
    """

    needed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    excess: tuple[str, ...] = ()


# Secrets and mail


class Vault(Protocol):
    """Encrypts what must not be readable in a copy of the database."""

    def seal(self, plain: str, bound_to: str) -> str:
        """Return `plain` encrypted so that it opens only under the same `bound_to` (its table and row)."""

    def open(self, sealed: str, bound_to: str) -> str:
        """Return what was sealed. Raises BadSettings where no key fits or the row is another."""

    def fingerprint(self, plain: str) -> str:
        """Return a keyed hash: equal for equal texts, and of no use without the key."""


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An iCalendar object that goes with a mail; `method` is its iTIP method, such as REQUEST."""

    method: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, written and translated: what is frozen when it is put into the outbox."""

    subject: str
    text: str
    html: str
    calendar: CalendarPart | None = None


class LetterWriter(Protocol):
    """Turns facts into a letter in the reader's language."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        """Return the letter of that name (`sign_in`, `digest`, ...) for `facts`."""


class Mailer(Protocol):
    """Hands finished messages to a mail server or a folder."""

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Deliver one RFC 5322 message.

        Raises ConnectorError. `unreachable` and `reconnect` mean that the server would say the same to any
        mail; else it is about this one: `retry_after_s` tells when to try again, without it never.
        """

    def rest(self) -> None:
        """Let go of what is kept open between the mails of a batch; the next mail opens it again."""


# Channels besides mail


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frozen event for one endpoint. `id` is the same at every attempt, so that a copy can be known."""

    id: str
    kind: str  # slack, teams, webhook
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)  # to sign with, the newest first
    body: bytes = field(repr=False)


class Courier(Protocol):
    """Takes events to chat channels and to other programs."""

    def check(self, url: str) -> None:
        """Raise BadInput where `url` is none that we would deliver to. No network."""

    def deliver(self, delivery: Delivery, now: datetime) -> None:
        """Deliver, signed as of `now`. Raises ConnectorError, with the same meanings as for mail."""


# Work


class Hint(StrEnum):
    """What a worker may look at now. The rows say what is to be done."""

    MAIL = "posting"
    CALENDAR = "calendar"  # the calendar of that number
    BOOKINGS = "bookings"


class Hints(Protocol):
    """Tells workers that there is something to do. A hint may be lost: whatever it is about is due anyway."""

    def send(self, hint: Hint, number: int | None = None) -> None:
        """Give the hint, after the commit of what it is about. Never raises, never waits for long."""


class Attempts(Protocol):
    """Counts what people try, in all processes of the site together. Never raises, never waits for long."""

    def count(self, what: str, who: str, most: int, window_s: int) -> bool | None:
        """Count an attempt unless there were `most` in the window; tell whether it is within that.

        None: nothing was counted, so that the process has to count by itself.
        """
