"""What the page of one's own calendars says. Never a title: there is none to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.models import Calendar, Person, Provider
from tracker.ports import Want
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
_WANTS = {
    Want.READ: N_("Read when your mentoring sessions are"),
    Want.FREE_BUSY: N_("See when you are busy while one of you looks for a date: times only, never titles"),
    Want.WRITE: N_("Put the sessions that you two set here into this calendar, move them and call them off"),
    Want.ATTENDANCE: N_("See which of you two was in the online meeting of a session, and when"),
}
_STEPS = {"dates": N_("dates that fit"), "attendance": N_("online meetings")}
_OFFERS = {
    ("dates", Provider.GOOGLE): N_(
        "If you like, let Cadencia put your sessions into this calendar, and see when you are busy (times "
        "only, never titles). Then the dates that it offers suit you, and the one you choose is there at "
        "once. Without it, sessions reach you as invitations by mail."
    ),
    ("dates", Provider.OUTLOOK): N_(
        "If you like, let Cadencia put your sessions into this calendar. Then a date that you two choose is "
        "there at once. Without it, sessions reach you as invitations by mail."
    ),
}
_OFFER_ATTENDANCE = N_(
    "If you like, let Cadencia see which of you two was in the online meeting. Then most sessions online "
    "need no answer of yours. Without it, you are asked whether they took place."
)
_TAKING_BACK = {
    Provider.GOOGLE: N_(
        "To take some of it back, disconnect this calendar and connect it again: Google takes back all of it "
        "at once, and then reading alone is asked for."
    ),
    Provider.OUTLOOK: N_(
        "To take some of it back, disconnect this calendar and connect it again: from then on Cadencia "
        "reads, and writes nothing. Microsoft itself forgets it once you remove Cadencia at "
        "myapplications.microsoft.com."
    ),
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

    def reach(self, row: Calendar) -> str:
        """Return how far back it reaches; empty where it tells all its past."""
        if row.shows_from is None:
            return ""
        day = self.reader.full_day(self.reader.local(row.shows_from).date())
        what = N_(
            "It reaches back to %(day)s. Of the time before it tells nothing, and nobody is blamed for it."
        )
        return self.reader.say(what, day=day)

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

    def want(self, want: Want) -> str:
        """Return what that lets us do."""
        return self.reader.say(_WANTS[want])

    def step(self, step: str) -> str:
        """Return in two words what one could allow next."""
        return self.reader.say(_STEPS[step])

    def offer(self, step: str, provider: Provider) -> str:
        """Return what one could allow next, what for, and what is without it."""
        return self.reader.say(_OFFERS.get((step, provider), _OFFER_ATTENDANCE))

    def taking_back(self, provider: Provider) -> str:
        """Return how one gets back to reading alone, as that provider lets one."""
        return self.reader.say(_TAKING_BACK[provider])

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
