"""How a pair stands, in a line or two. Says who was absent only where the ledger names a side."""

from tracker.ledger import Health, HealthReason, Ledger, Side
from tracker.services.overview import NOT_JUDGED, Card
from tracker.wording import HEALTH_WORDS, N_, Reader
from web.words.people import Eyes

STANDING_WORDS = {**HEALTH_WORDS, NOT_JUDGED: N_("Not looked at yet")}
_WORRIES = (Health.OFF_TRACK, Health.AT_RISK, Health.UNKNOWN)
_REASONS = {
    HealthReason.STALE: N_("A calendar could not be read lately."),
    HealthReason.DISPUTED: N_("The two see the last session differently."),
    HealthReason.NOTHING_SCHEDULED: N_("Nothing is planned for %(period)s yet."),
}


def standing(reader: Reader, card: Card) -> list[str]:
    """Return the sentences that say why the pair stands as it does, and what comes next."""
    ledger = card.ledger
    if ledger is None:
        return [reader.say(N_("It appears within a minute of being imported."))]
    lines = [_missed_in_a_row(reader, ledger)]
    period = reader.period(card.agreement.every, card.agreement.unit)
    lines += [reader.say(_REASONS[r], period=period) for r in ledger.health_reasons if r in _REASONS]
    lines += [*_named(reader, card, ledger), next_session(reader, ledger)]
    return [line for line in lines if line]


def _missed_in_a_row(reader: Reader, ledger: Ledger) -> str:
    count = ledger.consecutive_missed
    if count == 0:
        return ""
    text = N_("Missed %(count)d times in a row.") if count > 1 else N_("The last one was missed.")
    return reader.say(text, count=count)


def _named(reader: Reader, card: Card, ledger: Ledger) -> list[str]:
    if card.health not in _WORRIES:
        return []
    missed = ledger.due - ledger.met
    eyes = Eyes(reader, card.pair, None)
    named = ((Side.MENTOR, ledger.missed_by_mentor), (Side.MENTEE, ledger.missed_by_mentee))
    text = N_("%(count)d of %(missed)d missed without %(name)s.") if missed > 1 else N_("Without %(name)s.")
    return [
        reader.say(text, name=eyes.name(side), count=count, missed=missed) for side, count in named if count
    ]


def next_session(reader: Reader, ledger: Ledger) -> str:
    """Return "Next session: 10 Nov.", or nothing where none is planned."""
    if ledger.next_session is None:
        return ""
    day = reader.local(ledger.next_session).date()
    return reader.say(N_("Next session: %(day)s."), day=reader.short_day(day))
