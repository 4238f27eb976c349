"""Why a period has its verdict: what was seen, and which of the agreed numbers decided. Never judges anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET

from tracker.ledger import Absence, AbsenceKind, Away, Outcome, Policy, Reason, Side, Verdict
from tracker.services.beats import Beat, Place
from tracker.services.pairview import CalendarState, Chapter
from tracker.services.stories import Story
from tracker.wording import N_
from web.words import sessions
from web.words.people import Eyes

_NO_SESSION = N_("No session was on a calendar for these days, nor up to %(days)d days before or after.")
_READ_TOO_LITTLE = N_(
    "The calendars were last read on %(read)s. These days are judged once they are read after %(closes)s."
)
_SEEN_DIFFERENTLY = N_(
    "One says that it took place, the other that it did not. Neither is believed over the other."
)
_NEVER_READ = N_("We have not been able to read %(whose)s so far, so nothing is judged on it.")
_NOT_READ_SINCE = N_("We have not been able to read %(whose)s since %(read)s. What came after is not judged.")
_AWAY = {
    AbsenceKind.HOLIDAY: N_("%(days)s: public holiday for %(name)s."),
    AbsenceKind.LEAVE: N_("%(days)s: %(name)s was away."),
    AbsenceKind.PAUSE: N_("%(days)s: a pause for %(name)s."),
}
_AWAY_OWN = {
    AbsenceKind.HOLIDAY: N_("%(days)s: public holiday for you."),
    AbsenceKind.LEAVE: N_("%(days)s: you were away."),
    AbsenceKind.PAUSE: N_("%(days)s: a pause for you."),
}
_AWAY_BOTH = {
    AbsenceKind.HOLIDAY: N_("%(days)s: public holiday for both."),
    AbsenceKind.LEAVE: N_("%(days)s: both were away."),
    AbsenceKind.PAUSE: N_("%(days)s: the two had agreed on a pause."),
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Explains the verdicts of one pair to one reader; `observed_until` is how far calendars were read."""

    eyes: Eyes
    policy: Policy
    now: datetime
    observed_until: datetime | None

    @property
    def today(self) -> date:
        """Return the reader's day."""
        return self.eyes.reader.local(self.now).date()

    def headline(self, chapter: Chapter) -> str:
        """Return a few words that stand beside the verdict: when they met, or who was missing."""
        period = chapter.beat.period
        if period.verdict is Verdict.MISSED:
            cancelled = period.reason is Reason.CANCELLED
            return (self.eyes.called_off if cancelled else self.eyes.absent)(period.missed_by)
        if chapter.serving:
            return ", ".join(self._short_day(story) for story in chapter.serving)
        return ""

    def why(self, chapter: Chapter) -> list[str]:
        """Return the sentences that explain the verdict."""
        tell: dict[Verdict, Callable[[Chapter], list[str]]] = {
            Verdict.MET: self._met,
            Verdict.MISSED: self._missed,
            Verdict.EXCUSED: self._excused,
            Verdict.UNKNOWN: self._unknown,
            Verdict.OPEN: self._open,
            Verdict.PLANNED: self._planned,
            Verdict.AWAITING: self._awaiting,
            Verdict.UNCONFIRMED: self._unconfirmed,
            Verdict.DISPUTED: self._disputed,
            Verdict.RESCHEDULED: self._rescheduled,
        }
        verdict = chapter.beat.period.verdict
        # The picture of a planned period tells what its ended session waits for; so do the words.
        shown = Verdict(chapter.beat.mark.name) if verdict is Verdict.PLANNED else verdict
        return [*self._how_many(chapter), *tell[shown](chapter)]

    def counts_for(self, chapter: Chapter, story: Story, serves: Mapping[str, Beat]) -> str:
        """Return for which other days the session counts, where it is not these."""
        beat = serves.get(story.key)
        if beat is None or beat.starts_on == chapter.beat.starts_on:
            return ""
        return self._say(
            N_("It counts for %(days)s."), days=self.eyes.reader.span(beat.starts_on, beat.last_on)
        )

    def reading(self, state: CalendarState) -> str:
        """Return how far one side's calendars were read, and what that means."""
        name = self.eyes.calendar(state.side)
        if not state.connected and state.last_read_at is None:
            text = N_("There is no calendar for %(name)s yet.")
            own = N_("You have no calendar connected yet.")
            person = self.eyes.name(state.side)
            return self._say(own if state.side is self.eyes.side else text, name=person)
        if not state.connected and state.last_read_at:
            read = self._day(state.last_read_at)
            return self._say(
                N_("%(whose)s is no longer connected. It was read until %(read)s."), whose=name, read=read
            )
        if state.last_read_at is None:
            return self._say(_NEVER_READ, whose=name)
        local = self.eyes.reader.local(state.last_read_at)
        if state.is_stale:
            return self._say(_NOT_READ_SINCE, whose=name, read=self.eyes.reader.day(local.date(), self.today))
        day = self.eyes.reader.on_day(local.date(), self.today)
        return self._say(
            N_("We read %(whose)s %(day)s at %(hour)s."), whose=name, day=day, hour=local.strftime("%H:%M")
        )

    def _how_many(self, chapter: Chapter) -> list[str]:
        required = chapter.beat.period.required
        if required == 1:
            return []
        held = sum(s.outcome is not None and s.outcome.outcome is Outcome.HELD for s in chapter.serving)
        return [self._say(N_("%(held)d of %(required)d sessions took place."), held=held, required=required)]

    def _met(self, chapter: Chapter) -> list[str]:
        return [*self._when_met(chapter), *(self._how_known(story) for story in chapter.serving)]

    def _when_met(self, chapter: Chapter) -> list[str]:
        reason = chapter.beat.period.reason
        if reason is Reason.RESCHEDULED:
            return [self._moved(story) for story in chapter.serving if self._changed_date(story)] or [
                self._say(N_("The session was given a new date in time, so it counts here."))
            ]
        if reason in (Reason.EARLY, Reason.LATE):
            text = N_("The session lies outside these days. Up to %(days)d days before or after count.")
            return [self._say(text, days=self.policy.grace_days)]
        return [self._say(N_("The session took place within these days."))]

    def _how_known(self, story: Story) -> str:
        saying = [side for side in Side if (word := story.word_of(side)) and word.held]
        if len(saying) == 2:
            return self._say(N_("Both said so."))
        if story.recorded is not None and len(story.recorded) == 2:
            return self._say(N_("The record of the online meeting shows both."))
        if not saying:
            return self._say(N_("Nobody said otherwise, and in this program the calendar is believed."))
        text = N_("%(name)s said so, and nobody said otherwise within %(days)d days.")
        if saying[0] is self.eyes.side:
            text = N_("You said so, and nobody said otherwise within %(days)d days.")
        return self._say(text, name=self.eyes.name(saying[0]), days=self.policy.confirm_within_days)

    def _missed(self, chapter: Chapter) -> list[str]:
        failed = [s for s in chapter.stories if self._failed(s) and s.key not in chapter.beat.period.sessions]
        if not failed:
            return [
                self._say(
                    _NO_SESSION,
                    days=self.policy.grace_days,
                ),
                self._read_past(chapter),
            ]
        return [sentence for story in failed for sentence in self._not_replaced(story)]

    def _not_replaced(self, story: Story) -> list[str]:
        days = self.policy.reschedule_within_days
        until = story.starts_at + timedelta(days=days)
        told = [
            *self._how_it_failed(story),
            self._say(
                N_("A new date within %(days)d days would have counted. None was seen until %(until)s."),
                days=days,
                until=self._day(until),
            ),
        ]
        return [text for text in told if text]

    def _how_it_failed(self, story: Story) -> list[str]:
        day = sessions.of_day(self.eyes, story, self.today)
        absent = story.outcome.absent if story.outcome else ()
        if story.outcome and story.outcome.outcome is Outcome.NOT_HELD:
            return [
                self._say(N_("The session %(day)s did not take place."), day=day),
                self.eyes.absent(absent),
            ]
        return [self._say(N_("The session %(day)s was cancelled."), day=day), self.eyes.called_off(absent)]

    def _excused(self, chapter: Chapter) -> list[str]:
        if any(absence.who is Away.BOTH and absence.kind is UNSET for absence in chapter.absences):
            # Not an absence: days of which nothing is known (tracker.services.unseen).
            return [
                self._say(
                    N_("No calendar reaches back so far, so nobody can say whether a session took place.")
                ),
                self._say(N_("This is not counted as missed.")),
            ]
        say = N_("On more than half of the working days one of the two was away, so nothing was due.")
        return [self._say(say), *(self._away(absence) for absence in chapter.absences)]

    def _away(self, absence: Absence) -> str:
        days = self.eyes.reader.span(absence.first_on, absence.last_on)
        kind = absence.kind if isinstance(absence.kind, AbsenceKind) else AbsenceKind.LEAVE
        if absence.who is Away.BOTH:
            return self._say(_AWAY_BOTH[kind], days=days)
        side = Side(absence.who.value)
        own = side is self.eyes.side
        return self._say(_AWAY_OWN[kind] if own else _AWAY[kind], days=days, name=self.eyes.name(side))

    def _unknown(self, chapter: Chapter) -> list[str]:
        closes = self._closes_at(chapter)
        if self.observed_until is None:
            return [
                self._say(
                    N_("The calendars could not be read, so nobody can say whether a session took place.")
                ),
                self._say(N_("This is not counted as missed.")),
            ]
        return [
            self._say(
                _READ_TOO_LITTLE,
                read=self._day(self.observed_until),
                closes=self._day(closes),
            ),
            self._say(N_("This is not counted as missed.")),
        ]

    def _open(self, chapter: Chapter) -> list[str]:
        if chapter.beat.place is Place.AHEAD:
            return [self._say(N_("These days are still to come, and nothing is on the calendar yet."))]
        return [
            self._say(
                N_("Nothing is on the calendar yet. A session until %(day)s counts."),
                day=self._day(self._closes_at(chapter) - timedelta(days=1)),
            )
        ]

    def _planned(self, chapter: Chapter) -> list[str]:
        coming = [s for s in chapter.serving if s.starts_at > self.now]
        if not coming:
            return [self._say(N_("These days are not over yet."))]
        return [
            self._say(N_("On the calendar for %(when)s."), when=sessions.when(self.eyes, story, self.today))
            for story in coming
        ]

    def _awaiting(self, chapter: Chapter) -> list[str]:
        ends = [s.ends_at + timedelta(days=self.policy.confirm_within_days) for s in chapter.serving]
        text = N_("Both can say whether it took place, for %(days)d days after the session: until %(until)s.")
        until = self._day(max(ends)) if ends else ""
        return [self._say(text, days=self.policy.confirm_within_days, until=until)]

    def _unconfirmed(self, _chapter: Chapter) -> list[str]:
        return [
            self._say(
                N_("It was on the calendar, and within %(days)d days nobody said whether it took place."),
                days=self.policy.confirm_within_days,
            ),
            self._say(N_("An answer still counts, also a late one.")),
        ]

    def _disputed(self, _chapter: Chapter) -> list[str]:
        return [
            self._say(_SEEN_DIFFERENTLY),
            self._say(N_("Either of the two can still change the answer.")),
        ]

    def _rescheduled(self, chapter: Chapter) -> list[str]:
        return [
            self._say(N_("A new date is set: %(when)s."), when=sessions.when(self.eyes, story, self.today))
            for story in chapter.serving
            if story.starts_at > self.now
        ]

    def _moved(self, story: Story) -> str:
        origin = story.outcome.origin if story.outcome else story.starts_at
        return self._say(
            N_("First planned for %(first)s, held on %(then)s. A new date seen within %(days)d days counts."),
            first=self._day(origin),
            then=self._day(story.starts_at),
            days=self.policy.reschedule_within_days,
        )

    def _read_past(self, chapter: Chapter) -> str:
        if self.observed_until is None:
            return ""
        return self._say(
            N_("The calendars were read until %(read)s, after these days had closed on %(closes)s."),
            read=self.eyes.reader.moment(self.observed_until, self.today),
            closes=self._day(self._closes_at(chapter)),
        )

    def _closes_at(self, chapter: Chapter) -> datetime:
        last = chapter.beat.period.ends_before + timedelta(days=self.policy.grace_days)
        return datetime(last.year, last.month, last.day, tzinfo=ZoneInfo(chapter.agreement.timezone))

    def _changed_date(self, story: Story) -> bool:
        return story.outcome is not None and story.outcome.origin != story.starts_at

    def _failed(self, story: Story) -> bool:
        return story.outcome is not None and story.outcome.outcome in (Outcome.CANCELLED, Outcome.NOT_HELD)

    def _short_day(self, story: Story) -> str:
        return self._day(story.starts_at)

    def _day(self, at: datetime) -> str:
        return self.eyes.reader.day(self.eyes.reader.local(at).date(), self.today)

    def _say(self, text: str, **values: object) -> str:
        return self.eyes.reader.say(text, **values)
