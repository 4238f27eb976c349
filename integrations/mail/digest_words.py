"""The sentences of the digest, for its text and its HTML alike. Says what the facts say, never more."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from babel.numbers import format_percent

from tracker.ledger import Outcome, Reason, Side
from tracker.problems import FOR_ADMIN
from tracker.services.digest.facts import (
    Digest,
    GoodKind,
    GoodNews,
    Listed,
    MissedPair,
    MissedPeriod,
    OpenSession,
    PairName,
    UnreadCalendar,
    UnreadKind,
    UnscheduledPair,
    WaitingPair,
)
from tracker.wording import HEALTH_WORDS, N_, Reader, catalogue

T = TypeVar("T")
MOST_PERIODS = 3
# From fine to worrying would be the wrong way round: whoever needs somebody stands first.
HEALTH_ORDER = ("off_track", "at_risk", "unknown", "on_track", "not_started", "ended")

_MISSED = {
    (Reason.NO_SHOW, 0): N_("the session did not take place."),
    (Reason.NO_SHOW, 1): N_("the session did not take place: %(name)s was not there."),
    (Reason.NO_SHOW, 2): N_("the session did not take place: neither of the two was there."),
    (Reason.CANCELLED, 0): N_("the session was called off."),
    (Reason.CANCELLED, 1): N_("%(name)s called the session off."),
    (Reason.CANCELLED, 2): N_("both called the session off."),
    (Reason.NO_SESSION, 0): N_("no session was on the calendar."),
}
_GOOD = {
    GoodKind.BACK: N_("Back on track: they met for %(period)s, after a miss."),
    GoodKind.FIRST: N_("They had their first session."),
    GoodKind.NEW_DATE: N_("They could not meet as planned, found a new date, and met."),
}
# Problems that only a new link can solve; the codes are those of the connectors.
_WRONG_LINK = ("not_a_calendar", "not_found", "no_file", "bad_address", "refused", "too_large")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a list: who, what there is to say, and the pair whose page tells more."""

    title: str
    lines: list[str]
    pair_id: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the digest: `hint` says what the reader can do; `more` that there are others, if so."""

    title: str
    hint: str
    total: int
    entries: list[Entry]
    more: str | None
    colour: str


class DigestWords:
    """Says a digest's facts in the reader's language; `today` decides whether a day needs its year."""

    def __init__(self, reader: Reader, digest: Digest) -> None:
        self.reader = reader
        self.digest = digest
        self.today = reader.local(digest.as_of).date()

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """Return the text for this number, translated, with its places filled."""
        said = catalogue(self.reader.language).ngettext(one, many, number)
        return said % {"num": number, **values}

    # --- the head ---

    def span(self) -> str:
        """Return "16–22 November"."""
        return self.reader.span(self.digest.week.monday, self.digest.week.sunday)

    def subject(self) -> str:
        """Return what stands in the list of mails."""
        return f"{self.digest.program}, {self.span()}: {self._subject_news()}"

    def _subject_news(self) -> str:
        pairs = self.digest.new.total + self.digest.continuing.total
        if pairs:
            return self.ngettext("%(num)s pair could use a hand", "%(num)s pairs could use a hand", pairs)
        if self.digest.is_quiet:
            return self.reader.say(N_("all is well"))
        return self.reader.say(N_("nobody missed a session, a few things are open"))

    def so_far(self) -> str:
        """Return what to say of a week that still runs."""
        return self.reader.say(N_("The week so far, up to %(moment)s."), moment=self._moment())

    def _moment(self) -> str:
        return self.reader.moment(self.digest.as_of, self.today)

    def quiet(self) -> str:
        """Return what to say where nothing needs anybody."""
        if not self.digest.numbers.pairs:
            return self.reader.say(N_("No pair is running in this program at the moment."))
        return self.reader.say(N_("Nothing needs you this week. Everybody met, or has a date."))

    def summary(self) -> list[str]:
        """Return the week in up to three lines."""
        return [self._misses(), *self._open_things(), *self.numbers()]

    def _misses(self) -> str:
        new, old = self.digest.new.total, self.digest.continuing.total
        if not new and not old:
            return self.reader.say(N_("Nobody missed a session this week."))
        if not new:
            return self.ngettext(
                "Nobody newly missed a session; %(num)s pair has not made up for an earlier one.",
                "Nobody newly missed a session; %(num)s pairs have not made up for an earlier one.",
                old,
            )
        said = self.ngettext(
            "%(num)s pair missed a session and did not reschedule it.",
            "%(num)s pairs missed a session and did not reschedule it.",
            new,
        )
        earlier = self.ngettext(
            "%(num)s more has not made up for an earlier one.",
            "%(num)s more have not made up for an earlier one.",
            old,
        )
        return f"{said} {earlier}" if old else said

    def _open_things(self) -> list[str]:
        waiting, empty = self.digest.waiting.total, self.digest.unscheduled.total
        unread = self.digest.unread.total
        things = []
        if waiting:
            things.append(
                self.ngettext("%(num)s pair owes an answer", "%(num)s pairs owe an answer", waiting)
            )
        if empty:
            things.append(
                self.ngettext("%(num)s pair has nothing planned", "%(num)s pairs have nothing planned", empty)
            )
        if unread:
            things.append(
                self.ngettext(
                    "%(num)s calendar could not be read", "%(num)s calendars could not be read", unread
                )
            )
        return [", ".join(things) + "."] if things else []

    def numbers(self) -> list[str]:
        """Return how many of the sessions that were due took place, if any was."""
        numbers = self.digest.numbers
        if numbers.percent is None:
            return []
        share = self.percent(numbers.percent)
        said = self.reader.say(
            N_("So far, %(met)s of %(due)s sessions that were due took place (%(share)s%(change)s)."),
            met=numbers.met,
            due=numbers.due,
            share=share,
            change=self._change(),
        )
        return [said]

    def _change(self) -> str:
        change = self.digest.numbers.change
        if change is None:
            return ""
        if change == 0:
            return self.reader.say(N_(", as a week ago"))
        if change > 0:
            return self.ngettext(
                ", %(num)s point more than a week ago", ", %(num)s points more than a week ago", change
            )
        return self.ngettext(
            ", %(num)s point less than a week ago", ", %(num)s points less than a week ago", -change
        )

    def percent(self, percent: int) -> str:
        """Return "89%" as the language writes it."""
        return format_percent(percent / 100, locale=self.reader.language)

    def health(self) -> list[tuple[str, int]]:
        """Return the words for how pairs stand, with how many of them do, whoever needs somebody first."""
        counts = dict(self.digest.numbers.health)
        return [(self.reader.say(HEALTH_WORDS[h]), counts[h]) for h in HEALTH_ORDER if counts.get(h)]

    # --- the lists ---

    def sections(self) -> list[Section]:
        """Return the lists that hold anything, those that need somebody most in front."""
        told = [self._new(), self._continuing(), self._waiting(), self._unscheduled(), self._unread()]
        return [section for section in [*told, self._good()] if section.total]

    def _new(self) -> Section:
        hint = N_(
            "A short, friendly note is often enough: ask what got in the way, "
            "and whether you can help them find a date."
        )
        title = N_("Missed and not rescheduled")
        return self._section(title, hint, self.digest.new, self._missed_entry, "brick")

    def _continuing(self) -> Section:
        hint = N_(
            "These are not new. After a second miss, a talk helps more than a reminder: "
            "perhaps the rhythm or the hour does not fit."
        )
        title = N_("Missed earlier, not made up for yet")
        return self._section(title, hint, self.digest.continuing, self._missed_entry, "brick")

    def _waiting(self) -> Section:
        hint = N_(
            "The two see the question on their pages. If they tell you the answer, "
            "you can enter it for them on the pair's page."
        )
        title = N_("Waiting for an answer")

        def entry(waiting: WaitingPair) -> Entry:
            return Entry(self.pair(waiting.pair), self.waiting(waiting), waiting.pair.id)

        return self._section(title, hint, self.digest.waiting, entry, "amber")

    def _unscheduled(self) -> Section:
        hint = N_("A nudge now saves a miss later: a date on the calendar is all that is needed.")

        def entry(pair: UnscheduledPair) -> Entry:
            return Entry(self.pair(pair.pair), [self.unscheduled(pair)], pair.pair.id)

        return self._section(N_("Nothing planned yet"), hint, self.digest.unscheduled, entry, "amber")

    def _unread(self) -> Section:
        hint = N_("Without a calendar we do not know whether they met, so nothing is held against them.")
        title = N_("Not judged: calendars we could not read")

        def entry(calendar: UnreadCalendar) -> Entry:
            return Entry(calendar.name, self.unread(calendar))

        return self._section(title, hint, self.digest.unread, entry)

    def _good(self) -> Section:
        def entry(news: GoodNews) -> Entry:
            return Entry(self.pair(news.pair), [self.good(news)], news.pair.id)

        return self._section(N_("Good news"), N_("Worth a kind word."), self.digest.good, entry)

    def _section(
        self, title: str, hint: str, listed: Listed[T], entry: Callable[[T], Entry], colour: str = "ink"
    ) -> Section:
        more = self.ngettext("and %(num)s more", "and %(num)s more", listed.more) if listed.more else None
        entries = [entry(item) for item in listed.items]
        return Section(self.reader.say(title), self.reader.say(hint), listed.total, entries, more, colour)

    def _missed_entry(self, missed: MissedPair) -> Entry:
        return Entry(self.pair(missed.pair), self.missed(missed), missed.pair.id)

    def pair(self, pair: PairName) -> str:
        """Return the names of the two, mentor first."""
        return self.reader.both(pair.mentor, pair.mentee)

    def missed(self, missed: MissedPair) -> list[str]:
        """Return what happened, what is next, and how often in a row it has been."""
        lines = [self._missed_period(missed.pair, p) for p in missed.periods[-MOST_PERIODS:]]
        return [*self._earlier(missed.periods), *lines, " ".join(self._standing(missed))]

    def _earlier(self, all_of_them: Sequence[object]) -> list[str]:
        left = len(all_of_them) - MOST_PERIODS
        return (
            [self.ngettext("%(num)s earlier one, and:", "%(num)s earlier ones, and:", left)]
            if left > 0
            else []
        )

    def _missed_period(self, pair: PairName, period: MissedPeriod) -> str:
        said = [f"{pair.name_of(side)}: “{text}”" for side, text in period.remarks]
        return " ".join([self._what_happened(pair, period), *said])

    def _what_happened(self, pair: PairName, period: MissedPeriod) -> str:
        names = [pair.name_of(side) for side in period.missed_by]
        what = self.reader.say(_MISSED[period.reason, len(names)], name=names[0] if names else "")
        return f"{self.reader.span(period.first_on, period.last_on)}: {what}"

    def _standing(self, missed: MissedPair) -> Iterable[str]:
        if missed.in_a_row > 1:
            yield self.ngettext(
                "That makes %(num)s in a row.", "That makes %(num)s in a row.", missed.in_a_row
            )
        if missed.calls_for_a_word:
            yield self.reader.say(N_("A word with the two may help more than another letter."))
        if missed.next_session_on:
            yield self.reader.say(N_("Next session: %(day)s."), day=self.day(missed.next_session_on))
        elif missed.sees_ahead:
            yield self.reader.say(N_("Nothing is planned yet."))
        else:
            yield self.reader.say(N_("What is planned can not be seen: a calendar is not readable."))

    def waiting(self, waiting: WaitingPair) -> list[str]:
        """Return what is open, session by session."""
        shown = waiting.sessions[-MOST_PERIODS:]
        lines = [f"{_capital(self.day(s.on))}: {self._open_session(waiting.pair, s)}" for s in shown]
        return [*self._earlier(waiting.sessions), *lines]

    def _open_session(self, pair: PairName, session: OpenSession) -> str:
        if session.outcome is Outcome.DISPUTED:
            yes = session.say_held[0] if session.say_held else Side.MENTOR
            no = Side.MENTEE if yes is Side.MENTOR else Side.MENTOR
            text = N_("%(yes)s says that they met, %(no)s that they did not.")
            return self.reader.say(text, yes=pair.name_of(yes), no=pair.name_of(no))
        if len(session.silent) != 1:
            return self.reader.say(N_("neither has said yet whether they met."))
        (silent,) = session.silent
        other = Side.MENTEE if silent is Side.MENTOR else Side.MENTOR
        text = (
            N_("%(other)s says that they met, %(silent)s has not answered yet.")
            if session.say_held
            else N_("%(other)s says that they did not meet, %(silent)s has not answered yet.")
        )
        return self.reader.say(text, other=pair.name_of(other), silent=pair.name_of(silent))

    def unscheduled(self, pair: UnscheduledPair) -> str:
        """Return until when a session would count."""
        text = (
            N_("No session is planned, and time runs out: one up to %(day)s still counts.")
            if pair.urgent
            else N_("No session is planned. One up to %(day)s counts.")
        )
        return self.reader.say(text, day=self.day(pair.until))

    def unread(self, calendar: UnreadCalendar) -> list[str]:
        """Return since when nothing is known, what would help, and for how many pairs."""
        since = self.day(calendar.since) if calendar.since else ""
        texts = {
            UnreadKind.NONE: N_("No calendar is connected yet."),
            UnreadKind.NEVER: N_("The calendar is connected, but could not be read yet."),
            UnreadKind.TAKEN_AWAY: N_("The calendar was disconnected; it was last read on %(day)s."),
            UnreadKind.FAILING: N_("The calendar was last read on %(day)s."),
        }
        kind = calendar.kind if calendar.since or calendar.kind is UnreadKind.NONE else UnreadKind.NEVER
        said = self.reader.say(texts[kind], day=since)
        pairs = self.ngettext(
            "%(num)s pair is not judged because of it.",
            "%(num)s pairs are not judged because of it.",
            calendar.pairs,
        )
        return [f"{said} {pairs}", self._remedy(calendar)]

    def _remedy(self, calendar: UnreadCalendar) -> str:
        if calendar.kind in (UnreadKind.NONE, UnreadKind.TAKEN_AWAY) or calendar.problem == "reconnect":
            text = N_("Only %(name)s can connect it; a short word from you may be all it takes.")
        elif calendar.problem in _WRONG_LINK:
            text = N_("The link no longer leads to a calendar. Ask %(name)s to copy it anew.")
        elif calendar.problem == "mass_removal":
            text = N_("Very many sessions vanished from it at once. Ask %(name)s whether that is right.")
        elif calendar.problem in FOR_ADMIN:
            text = N_(
                "Whoever runs Cadencia can mend that, and is told: `cadencia doctor` says what it is, "
                "and how."
            )
        else:
            text = N_("We keep trying. If it lasts, ask %(name)s whether the link is still the right one.")
        return self.reader.say(text, name=calendar.name)

    def good(self, news: GoodNews) -> str:
        """Return what went well."""
        return self.reader.say(_GOOD[news.kind], period=self.reader.span(news.first_on, news.last_on))

    def day(self, day: date) -> str:
        """Return "Tuesday 10 November"."""
        return self.reader.day(day, self.today)


def _capital(text: str) -> str:
    # Spanish writes its weekdays small, but not at the begin of a line.
    return text[:1].upper() + text[1:]
