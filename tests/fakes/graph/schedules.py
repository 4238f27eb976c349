"""getSchedule: what others may know of a calendar. It tells subjects too, which nobody here is to read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from tests.fakes.graph.mailbox import Refused, Span, read_time
from tests.fakes.graph.shapes import DateTimeTimeZone, Event, Json

if TYPE_CHECKING:
    from tests.fakes.graph.server import FakeGraph

DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4", "unknown": "?"}


class _Time(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    date_time: str
    time_zone: Literal["UTC"]


class _Asked(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    schedules: list[str]
    start_time: _Time
    end_time: _Time
    availability_view_interval: int = 30


def answer_schedules(graph: FakeGraph, body: bytes) -> Json:
    """Answer the action."""
    asked = msgspec.json.decode(body, type=_Asked)
    span = Span(_instant(asked.start_time), _instant(asked.end_time))
    slot = timedelta(minutes=asked.availability_view_interval)
    if len(asked.schedules) > 20 or not 5 <= asked.availability_view_interval <= 1440:
        raise Refused(400, "ErrorInvalidRequest")
    if span.end - span.start > timedelta(days=62) or span.end - span.start < slot:
        raise Refused(400, "ErrorInvalidTimeInterval")
    return {"value": [_schedule(graph, address, span, slot) for address in asked.schedules]}


def _schedule(graph: FakeGraph, address: str, span: Span, slot: timedelta) -> Json:
    box = graph.mailboxes.get(address)
    if box is None:
        fault = {"message": "Unable to resolve", "responseCode": "ErrorMailRecipientNotFound"}
        return {"scheduleId": address, "availabilityView": "", "scheduleItems": [], "error": fault}
    events = list(box.shown(span))
    view = ""
    at = span.start
    while at < span.end:
        here = [e for e in events if Span(at, at + slot).holds(e)]
        view += max((DIGITS[e.show_as] for e in here), default="0")
        at += slot
    items = [] if address in graph.shows_only_slots else [_item(e) for e in events]
    return {
        "scheduleId": address.title(),
        "availabilityView": view,
        "scheduleItems": items,
        "workingHours": {},
    }


def _item(event: Event) -> Json:
    return {
        "isPrivate": False, "status": event.show_as, "subject": event.subject, "location": "The quiet room",
        "start": msgspec.to_builtins(event.start), "end": msgspec.to_builtins(event.end),
    }  # fmt: skip


def _instant(told: _Time) -> datetime:
    return read_time(DateTimeTimeZone(date_time=told.date_time))
