"""What the page of one's own calendars says. Never a title: there is none to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.models import Calendar, Person, Provider
from tracker.problems import Mend, problem_of
from tracker.services.own_calendars import KeptSession, OwnCalendar
from tracker.wording import N_, Reader
from web.words.problems import problem_for_owner, reasons_set_aside

_NAMES = {
    Provider.GOOGLE: N_("Google calendar"),
    Provider.OUTLOOK: N_("Outlook calendar"),
    Provider.ICAL: N_("Calendar by its address"),
    Provider.MAILBOX: N_("Invitations by mail"),
}
_NO_DAYS_AWAY = (Provider.MAILBOX,)


@dataclass(frozen=True, slots=True)
class Words:
    """Says things to the owner, on their clock. `offers` are the providers that people can connect here.

    `is_needed` tells whether a pair needs the owner's calendars: else none of them is read.
    """

    reader: Reader
    now: datetime
    offers: Sequence[str] = ()
    is_needed: bool = True

    def name(self, own: OwnCalendar) -> str:
        """Return "Google calendar"."""
        return self.reader.say(_NAMES[own.row.provider])

    def how(self, own: OwnCalendar) -> str:
        """Return by which right it is read."""
        provider = own.row.provider
        if not own.is_connected:
            return ""
        if own.consent is not None:
            day = self.reader.full_day(self.reader.local(own.consent.granted_at).date())
            return self.reader.say(N_("Read because you allowed it, on %(day)s."), day=day)
        if provider is Provider.ICAL:
            return self.reader.say(
                N_("Read at its secret address, which is kept sealed and never shown again.")
            )
        if provider is Provider.MAILBOX:
            return self.reader.say(
                N_("Of your own calendar nothing is read: only what you send to the program.")
            )
        return self.reader.say(N_("Read through your company's own access."))

    def last_read(self, row: Calendar) -> str:
        """Return when it was read to its end."""
        if row.last_read_at is None:
            return self.reader.say(N_("Not yet"))
        return self._moment(row.last_read_at)

    def next_read(self, row: Calendar) -> str:
        """Return about when it is read next."""
        due = row.next_read_at
        if not self.is_needed:
            return self.reader.say(N_("Once you are in a running pair"))
        if due is None or due <= self.now:
            return self.reader.say(N_("Within a minute or two"))
        return self._moment(due, N_("%(day)s about %(hour)s"))

    def problem(self, own: OwnCalendar) -> str:
        """Return what is wrong and what to do; empty where all is well."""
        if own.problem is None:
            return ""
        wants_consent = problem_of(own.problem).mend is Mend.CONNECT
        is_helpless = wants_consent and self.mend(own) is Mend.NOTHING
        # To ask for a step that nobody can take here would be no help.
        return problem_for_owner(self.reader, "not_available" if is_helpless else own.problem)

    def mend(self, own: OwnCalendar) -> str:
        """Return which one button mends it: `connect`, `address`, `accept` or `nothing`."""
        mend, provider = problem_of(own.problem or "").mend, own.row.provider
        if own.problem is None or mend not in (Mend.CONNECT, Mend.ADDRESS):
            return mend if own.problem else Mend.NOTHING
        if provider is Provider.ICAL:
            return Mend.ADDRESS
        # An account has no address that somebody could type: it is connected again, where that is offered.
        is_known = mend is Mend.CONNECT or own.consent is not None
        return Mend.CONNECT if is_known and provider.value in self.offers else Mend.NOTHING

    def set_aside(self, row: Calendar) -> list[tuple[int, str]]:
        """Return how many entries were left out for which reason."""
        return reasons_set_aside(self.reader, row.set_aside)

    def session(self, session: KeptSession) -> str:
        """Return "Tuesday 10 November, 10:00"."""
        today = self.reader.local(self.now).date()
        if session.is_all_day:
            return self.reader.day(session.starts_at.date(), today)
        return self.reader.moment(session.starts_at, today)

    def partner(self, session: KeptSession, me: Person) -> str:
        """Return with whom it is."""
        if session.pair is None:
            return self.reader.say(N_("whose it is, you are asked on your pair's page"))
        other = session.pair.mentee if session.pair.mentor_id == me.id else session.pair.mentor
        return self.reader.say(N_("with %(name)s"), name=other.name)

    def has_days_away(self, own: OwnCalendar) -> bool:
        """Tell whether such a calendar can tell of days away."""
        return own.row.provider not in _NO_DAYS_AWAY

    def _moment(self, at: datetime, text: str = N_("%(day)s at %(hour)s")) -> str:
        local, today = self.reader.local(at), self.reader.local(self.now).date()
        day, hour = self.reader.on_day(local.date(), today), self.reader.hour(at)
        return self.reader.say(text, day=day, hour=hour)
