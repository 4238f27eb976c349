"""How dates are told that a pair asked for: where they stand, and what to do where something went wrong."""

from dataclasses import dataclass
from datetime import datetime

from tracker.models import BookingState, Person
from tracker.services.bookings import Booked
from tracker.services.carrying import CANCELLED_THERE, MOVED_THERE, TOO_LATE
from tracker.wording import N_, Reader, first_name
from web.words.people import Eyes

_ON_WAY = {
    BookingState.CREATE: N_("On its way to your calendars."),
    BookingState.MOVE: N_("The new time is on its way to your calendars."),
    BookingState.CANCEL: N_("It is being called off."),
}
_STUCK = {
    BookingState.CREATE: N_("This date could not be put into your calendars."),
    BookingState.MOVE: N_("The new time could not be written into the calendar."),
    BookingState.CANCEL: N_("This session could not be called off in the calendar."),
}
_WHY = {
    TOO_LATE: N_("Its time had come before it could be written."),
    "reconnect": N_("The calendar has to be connected again."),
    "no_calendar": N_("The calendar that it is in is no longer connected."),
    "not_found": N_("The calendar that it is in is no longer there."),
    "no_right": N_("We may not write into that calendar."),
    "no_scope": N_("We may not write into that calendar."),
    "not_available": N_("We may not write into that calendar."),
    "unreachable": N_("The calendar has not answered for days."),
    "server_error": N_("The calendar has not answered for days."),
    "untrusted": N_("The calendar has not answered for days."),
    "proxy_refused": N_("The calendar has not answered for days."),
    "rate_limited": N_("The calendar has not answered for days."),
}
_WHY_ELSE = N_("The calendar refused it.")


@dataclass(frozen=True, slots=True)
class DateWords:
    """Says how bookings stand, to one of the two."""

    eyes: Eyes

    def state(self, booked: Booked) -> str:
        """Return where the booking stands."""
        return self.eyes.reader.say(_state(booked))

    def why(self, booked: Booked) -> str:
        """Return what went wrong with a booking that is stuck."""
        why = [_WHY.get(booked.problem or "", _WHY_ELSE)]
        if booked.state is not BookingState.CREATE:
            why.append(N_("You can do it in the calendar itself: we will see it."))
        return " ".join(map(self.eyes.reader.say, why))

    def can_try_again(self, booked: Booked) -> bool:
        """Tell whether another try makes sense."""
        return booked.is_stuck and booked.problem != TOO_LATE

    def can_mail(self, booked: Booked) -> bool:
        """Tell whether it may go out as an invitation by mail instead."""
        return self.can_try_again(booked) and booked.state is BookingState.CREATE

    def elsewhere(self, starts_at: datetime, ends_at: datetime) -> str:
        """Return "16:00–16:45 for Ana (Madrid time)" where the other one's clock differs; else nothing."""
        partner = _partner(self.eyes)
        reader = Reader(self.eyes.reader.language, partner.timezone)
        own, other = (each.local(starts_at) for each in (self.eyes.reader, reader))
        if own.utcoffset() == other.utcoffset():
            return ""
        hours = reader.hours(starts_at, ends_at)
        if own.date() != other.date():
            hours = f"{reader.weekday(other.date())}, {hours}"
        text = N_("%(hours)s for %(name)s (%(place)s time)")
        return self.eyes.reader.say(text, hours=hours, name=first_name(partner.name), place=reader.zone())


def _state(booked: Booked) -> str:
    if booked.is_stuck:
        return _STUCK[booked.state]
    if booked.is_on_way:
        waits = N_("The calendar does not answer right now. We keep trying.")
        return waits if booked.problem else _ON_WAY[booked.state]
    if booked.problem == MOVED_THERE:
        return N_("It was moved in the calendar in the meantime. That time holds.")
    if booked.problem == CANCELLED_THERE:
        return N_("It was called off in the calendar in the meantime.")
    if booked.by_mail and booked.session_id is None:
        return N_("Sent to both of you by mail. Accept it there, and it is in your calendar.")
    return N_("In your calendars.")


def _partner(eyes: Eyes) -> Person:
    mentor, mentee = eyes.pair.mentor, eyes.pair.mentee
    return mentee if eyes.side == "mentor" else mentor
