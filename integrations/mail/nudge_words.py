"""The sentences of nudges, for their text and their HTML alike. Names a side only where the evidence does."""

from dataclasses import dataclass
from datetime import date

from tracker.ledger import Reason
from tracker.services.nudges.facts import Ask, Bundle, Miss, Plan, SlotLink
from tracker.wording import N_, Reader, catalogue, first_name

_WHO = {(False, False): 0, (True, False): 1, (False, True): 2, (True, True): 3}  # me, partner
_MISSED = {
    (Reason.NO_SHOW, 0): N_("Your session with %(name)s did not take place, and there is no new date."),
    (Reason.NO_SHOW, 1): N_(
        "Your session with %(name)s did not take place because you could not be there, and there is no new "
        "date."
    ),
    (Reason.NO_SHOW, 2): N_(
        "Your session with %(name)s did not take place because %(name)s could not be there, and there is no "
        "new date."
    ),
    (Reason.NO_SHOW, 3): N_(
        "Your session with %(name)s did not take place because neither of you could be there, and there is "
        "no new date."
    ),
    (Reason.CANCELLED, 0): N_("Your session with %(name)s was called off, and there is no new date."),
    (Reason.CANCELLED, 1): N_("You called off your session with %(name)s, and there is no new date."),
    (Reason.CANCELLED, 2): N_("%(name)s called off your session, and there is no new date."),
    (Reason.CANCELLED, 3): N_("You and %(name)s called off your session, and there is no new date."),
}
_NO_SESSION = N_("No session with %(name)s was on the calendar.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A button or a link: its words, and where it leads."""

    text: str
    link: str


class NudgeWords:
    """Says what a nudge has to say in the reader's language and on their clock."""

    def __init__(self, reader: Reader, bundle: Bundle) -> None:
        self.reader = reader
        self.bundle = bundle
        self.today = reader.local(bundle.written_at).date()

    def subject(self) -> str:
        """Return what the letter is about: the one thing, or how many there are."""
        bundle = self.bundle
        if bundle.count > 1:
            text = catalogue(self.reader.language).ngettext(
                "%(num)s short thing about your mentoring",
                "%(num)s short things about your mentoring",
                bundle.count,
            )
            return text % {"num": bundle.count}
        if bundle.asks:
            return self.ask(bundle.asks[0])
        if bundle.misses:
            return self.reader.say(
                N_("You and %(name)s: shall we find a new date?"), name=first_name(bundle.misses[0].partner)
            )
        return self.reader.say(N_("A date for you and %(name)s"), name=first_name(bundle.plans[0].partner))

    def ask(self, ask: Ask) -> str:
        """Return "Did you and Luis meet on Tuesday?"."""
        day = self.reader.on_day(self.reader.local(ask.starts_at).date(), self.today)
        return self.reader.say(
            N_("Did you and %(name)s meet %(day)s?"), name=first_name(ask.partner), day=day
        )

    def when(self, ask: Ask) -> str:
        """Return the day and hour of the session."""
        return _capital(self.reader.moment(ask.starts_at, self.today))

    def answers(self, ask: Ask) -> list[Choice]:
        """Return what can be answered; each leads to a page with the button."""
        return [
            Choice(self.reader.say(N_("Yes, we met")), f"{ask.link}?answer=held"),
            Choice(self.reader.say(N_("No")), f"{ask.link}?answer=no"),
        ]

    def missed(self, miss: Miss) -> str:
        """Return what happened, in a sentence."""
        text = _MISSED.get((miss.reason, _WHO[miss.by_me, miss.by_partner]), _NO_SESSION)
        span = self.reader.span(miss.first_on, miss.last_on)
        return f"{span}: {self.reader.say(text, name=first_name(miss.partner))}"

    def head_start(self, miss: Miss) -> str:
        """Return until when the two are among themselves, at least."""
        if miss.told_from <= self.bundle.written_at:  # no reminders were written for two days
            return self.reader.say(N_("It is in the overview that Human Resources gets."))
        text = N_("We write to you first: Human Resources gets no message of it before %(day)s.")
        return self.reader.say(text, day=self._day(self.reader.local(miss.told_from).date()))

    def mending(self, miss: Miss) -> list[Choice]:
        """Return what can be done beside finding a new date."""
        return [
            Choice(self.reader.say(N_("We did meet")), miss.tell_link),
            Choice(self.reader.say(N_("Say what came between")), miss.explain_link),
        ]

    def plan(self, plan: Plan) -> str:
        """Return what is missing, and until when it is needed."""
        text = N_("Nothing is on the calendar with %(name)s yet. A session up to %(day)s counts.")
        return self.reader.say(text, name=first_name(plan.partner), day=self._day(plan.last_on))

    def slots_title(self, plan: Plan) -> str:
        """Return what the times are, and how far they are known to suit."""
        if all(slot.is_sure for slot in plan.slots):
            return self.reader.say(N_("Times that suit you both:"))
        text = N_("Times that may suit you both; we could not see %(name)s's whole calendar:")
        return self.reader.say(text, name=first_name(plan.partner))

    def slot(self, slot: SlotLink) -> str:
        """Return "Tuesday 10 November, 10:00–10:45"."""
        day = self._day(self.reader.local(slot.starts_at).date())
        return f"{_capital(day)}, {self.reader.hours(slot.starts_at, slot.ends_at)}"

    def _day(self, day: date) -> str:
        return self.reader.day(day, self.today)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
