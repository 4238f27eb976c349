"""What was seen and said of one session, line by line."""

from dataclasses import dataclass
from datetime import date, datetime

from tracker.ledger import Outcome
from tracker.services.stories import Happening, Sighting, Story, Word
from tracker.wording import N_
from web.words.people import Eyes

OUTCOME_WORDS = {
    Outcome.HELD: N_("Took place"),
    Outcome.CANCELLED: N_("Cancelled"),
    Outcome.SCHEDULED: N_("On the calendar"),
    Outcome.NOT_HELD: N_("Did not take place"),
    Outcome.DISPUTED: N_("Seen differently"),
    Outcome.AWAITING: N_("Waiting for an answer"),
    Outcome.UNCONFIRMED: N_("Nobody said whether it took place"),
}
# For the person whom the page belongs to, and for everybody else.
_SAID = {
    (True, True): N_("You said that it took place."),
    (True, False): N_("You said that it did not take place."),
    (False, True): N_("%(name)s said that it took place."),
    (False, False): N_("%(name)s said that it did not take place."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a session's story."""

    at: datetime
    text: str
    source: str


def when(eyes: Eyes, story: Story, today: date) -> str:
    """Return "Tuesday 10 November, 10:00–10:45" on the reader's clock."""
    day = eyes.reader.local(story.starts_at).date()
    return f"{eyes.reader.day(day, today)}, {eyes.reader.hours(story.starts_at, story.ends_at)}"


def source(eyes: Eyes, story: Story) -> str:
    """Return whose calendars have shown the session: "your calendar"."""
    owners = {side for seen in story.sightings for side in seen.owners}
    return eyes.calendars(owners) or eyes.reader.say(N_("on no calendar"))


def on_day(eyes: Eyes, story: Story, today: date) -> str:
    """Return "on Tuesday", "yesterday"."""
    return eyes.reader.on_day(eyes.reader.local(story.starts_at).date(), today)


def of_day(eyes: Eyes, story: Story, today: date) -> str:
    """Return which session is meant, after the words "the session"."""
    return eyes.reader.of_day(eyes.reader.local(story.starts_at).date(), today)


def outcome_words(eyes: Eyes, story: Story) -> str:
    """Return what became of the session, in a few words."""
    if story.outcome is None:
        return eyes.reader.say(N_("Not looked at yet"))
    if story.outcome.late:
        return eyes.reader.say(N_("Cancelled at short notice"))
    return eyes.reader.say(OUTCOME_WORDS[story.outcome.outcome])


def lines(eyes: Eyes, story: Story, words: list[Word], today: date) -> list[Line]:
    """Return all that is known of the session, oldest first; `words` are those that the reader may see."""
    told = [_sighting_line(eyes, seen, today) for seen in story.sightings]
    if story.told_by:
        told.append(_told_line(eyes, story))
    if story.recorded is not None:
        told.append(_record_line(eyes, story))
    return sorted([*told, *(_word_line(eyes, word) for word in words)], key=lambda line: line.at)


def said(eyes: Eyes, word: Word) -> str:
    """Return what one side said, and who was absent in their words."""
    own = word.side is eyes.side
    text = eyes.reader.say(_SAID[own, word.held], name=eyes.name(word.side))
    return " ".join(filter(None, [text, eyes.absent(word.absent)]))


def _sighting_line(eyes: Eyes, seen: Sighting, today: date) -> Line:
    texts = {
        Happening.ADDED: N_("Put on the calendar for %(when)s."),
        Happening.MOVED: N_("Moved to %(when)s."),
        Happening.BACK: N_("On the calendar again, for %(when)s."),
        Happening.CANCELLED: N_("Cancelled."),
        Happening.DECLINED: N_("The invitation was declined."),
        Happening.GONE: N_("No longer shown there. That alone does not cancel a session."),
    }
    text = eyes.reader.say(texts[seen.what], when=eyes.reader.moment(seen.starts_at, today))
    if len(seen.by) == 1:
        own = seen.by[0] is eyes.side
        said = N_("You declined the invitation.") if own else N_("%(name)s declined the invitation.")
        text = eyes.reader.say(said, name=eyes.name(seen.by[0]))
    return Line(seen.at, text, eyes.calendars(seen.owners))


def _told_line(eyes: Eyes, story: Story) -> Line:
    text = N_("You told us of it. It is on no calendar.")
    if story.told_by is not eyes.side:
        text = N_("%(name)s told us of it. It is on no calendar.")
    at = min((word.at for word in story.words), default=story.ends_at)
    return Line(at, eyes.reader.say(text, name=eyes.name(story.told_by) if story.told_by else ""), "")


def _record_line(eyes: Eyes, story: Story) -> Line:
    texts = {0: N_("Nobody came into the online meeting."), 2: N_("Both were in the online meeting.")}
    present = story.recorded or ()
    text = texts.get(len(present), N_("Only %(name)s was in the online meeting."))
    name = eyes.name(present[0]) if present else ""
    return Line(story.ends_at, eyes.reader.say(text, name=name), eyes.reader.say(N_("meeting record")))


def _word_line(eyes: Eyes, word: Word) -> Line:
    source = ""
    if word.entered_by:
        source = eyes.reader.say(N_("written down by %(name)s"), name=word.entered_by)
    elif word.entered_by is not None:
        source = eyes.reader.say(N_("written down by the people who run the program"))
    return Line(word.at, said(eyes, word), source)
