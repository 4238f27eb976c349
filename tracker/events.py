"""What a connector makes of a calendar entry, whoever wrote it: the normalised event.

Body, location, other people's names and the title are not here and so can not be stored or logged.
Instants are aware datetimes in UTC; an all-day entry has dates instead.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

Moment = date | datetime


class EventKind(StrEnum):
    """What role the entry plays in its series."""

    SINGLE = "single"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"


class EventStatus(StrEnum):
    """Whether this copy of the meeting stands."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class CopyRole(StrEnum):
    """Whose copy it is: the organiser's is the authority on time and cancellation."""

    ORGANISER = "organiser"
    ATTENDEE = "attendee"


class Response(StrEnum):
    """What an attendee answered to the invitation."""

    NONE = "none"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class ZoneQuality(StrEnum):
    """How far the entry's time zone can be trusted."""

    IANA = "iana"
    MAPPED = "mapped"
    FLOATING = "floating"
    UNKNOWN = "unknown"


class TagRule(StrEnum):
    """Why the entry counts as a mentoring session (`suggested`: only if the pair says so)."""

    CADENCIA = "cadencia"
    MARKER = "marker"
    ADDRESS = "address"
    SUGGESTED = "suggested"


class EventClass(StrEnum):
    """A meeting, or the notice that somebody is away."""

    DEFAULT = "default"
    OUT_OF_OFFICE = "out_of_office"


@dataclass(frozen=True, slots=True)
class Attendee:
    """One invited address, lower case, and its answer."""

    email: str
    response: Response = Response.NONE


@dataclass(frozen=True, slots=True)
class Conference:
    """The online meeting: `kind` such as `meet`, `teams`, `zoom`; `key` identifies the room."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One occurrence of a tagged entry, as one calendar shows it.

    `provider_event_id` is byte-exact and unique within the calendar. `lineage` is what all copies and all
    "this and following" splits of one entry share. `original_start` names the slot in its series (None for
    a single entry) and stays when the occurrence moves; `original_end` is where that slot would have ended.
    `created_at` is the series' creation for occurrences and exceptions; `updated_at` is the entry's own
    last change, for a slot named by EXDATE the series'. Either is None where the calendar does not tell.
    `version` changes when, and only when, anything that is kept here changes.
    """

    provider_event_id: str
    uid: str
    lineage: str
    kind: EventKind
    start: Moment
    end: Moment
    status: EventStatus
    version: str
    series_id: str | None = None
    original_start: Moment | None = None
    original_end: Moment | None = None
    zone: str | None = None
    zone_quality: ZoneQuality = ZoneQuality.IANA
    copy_role: CopyRole = CopyRole.ORGANISER
    organiser: str | None = None
    attendees: tuple[Attendee, ...] = ()
    attendees_complete: bool = True
    created_at: datetime | None = None
    updated_at: datetime | None = None
    sequence: int | None = None
    tag_rule: TagRule | None = None
    session_ref: str | None = None
    event_class: EventClass = EventClass.DEFAULT
    conference: Conference | None = None
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AwayNotice:
    """Days on which the calendar says that its owner is away: local dates, both included; nothing else."""

    provider_event_id: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry that could not be understood: where it is (never what it is called) and what is wrong.

    `lineage`, where the entry has one, is that of the events it would have been: they were not seen, but they
    are not gone either.
    """

    place: str
    issue: str
    lineage: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is read: `start <= t < end`, in UTC."""

    start: datetime
    end: datetime


class PullKind(StrEnum):
    """What a pull says about the entries that it does not name."""

    UNCHANGED = "unchanged"
    FULL = "full"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Pull:
    """The answer of one complete reading of a calendar.

    `full` lists every tagged entry inside `window`: what is not listed was not seen there. `delta` lists
    what changed and the provider ids that are gone: in `removed` those that were deleted, in `vanished` those
    that the calendar shows no longer, and nobody said that the meeting is off (their series moved or got
    shorter, the entry lost its tag). `unchanged` lists nothing.
    `cursor` is opaque to everyone but the connector that wrote it (a sync token, an ETag with a hash) and
    may hold a secret. `looked_at` counts the entries that were read, tagged or not.
    `absences` are the notices of absence, only where the rules allow them: all of the window in a `full`
    pull, the changed ones in a `delta`, where `removed` and `vanished` also name those that are gone.
    `shows_from` is, in a `full` pull, from when on the calendar shows all that there was; None: all its past.
    """

    kind: PullKind
    window: Window
    cursor: str | None = None
    events: tuple[CalendarEvent, ...] = ()
    removed: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    looked_at: int = 0
    vanished: tuple[str, ...] = ()
    absences: tuple[AwayNotice, ...] = ()
    shows_from: datetime | None = None
