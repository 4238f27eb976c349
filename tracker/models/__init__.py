"""The tables, one file for each concept. Nothing here judges, reads a clock or sends."""

from tracker.models.absences import Absence, CompanyHoliday
from tracker.models.audit import AuditEntry
from tracker.models.base import Base
from tracker.models.bookings import TO_DO, Booking, BookingState
from tracker.models.calendars import (
    Calendar,
    CalendarStatus,
    Copy,
    CopyObservation,
    Provider,
)
from tracker.models.channels import ChannelState, PushChannel
from tracker.models.credentials import ConsentFlow, Credential, CredentialStatus
from tracker.models.endpoints import Endpoint, EndpointEvent, EndpointKind
from tracker.models.goals import Goal, Milestone
from tracker.models.ledgers import EvidenceMemo, LedgerRow, VerdictChange
from tracker.models.mailbox import Invitation, InvitationPerson, Mailbox
from tracker.models.nudges import Nudge, NudgeKind, Remark
from tracker.models.outbox import LanePause, OutboxMail, OutboxState
from tracker.models.pairs import Agreement, Pair, Program
from tracker.models.people import Person, PersonAddress
from tracker.models.sessions import Attendance, Session, SessionKey, Standing, Statement
from tracker.models.work import Heartbeat, Lease

__all__ = [
    "TO_DO",
    "Absence",
    "Agreement",
    "Attendance",
    "AuditEntry",
    "Base",
    "Booking",
    "BookingState",
    "Calendar",
    "CalendarStatus",
    "ChannelState",
    "CompanyHoliday",
    "ConsentFlow",
    "Copy",
    "CopyObservation",
    "Credential",
    "CredentialStatus",
    "Endpoint",
    "EndpointEvent",
    "EndpointKind",
    "EvidenceMemo",
    "Goal",
    "Heartbeat",
    "Invitation",
    "InvitationPerson",
    "LanePause",
    "Lease",
    "LedgerRow",
    "Mailbox",
    "Milestone",
    "Nudge",
    "NudgeKind",
    "OutboxMail",
    "OutboxState",
    "Pair",
    "Person",
    "PersonAddress",
    "Program",
    "Provider",
    "PushChannel",
    "Remark",
    "Session",
    "SessionKey",
    "Standing",
    "Statement",
    "VerdictChange",
]
