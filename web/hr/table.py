"""One row of HR's table for each pair, in the ledger's own words. Holds no sentence and no goal."""

from tracker.services.beats import current_beat
from tracker.services.overview import Card

COLUMNS = (
    "pair",
    "program",
    "mentor",
    "mentor_email",
    "mentee",
    "mentee_email",
    "starts_on",
    "ends_on",
    "health",
    "health_reasons",
    "due",
    "met",
    "consecutive_missed",
    "missed_by_mentor",
    "missed_by_mentee",
    "current_period",
    "next_session",
)


def cells(card: Card) -> list[object]:
    """Return the pair's row, in the order of COLUMNS; instants are in UTC."""
    pair, agreement, ledger = card.pair, card.agreement, card.ledger
    who: list[object] = [pair.key, pair.program.name, pair.mentor.name, pair.mentor.email, pair.mentee.name]
    term: list[object] = [pair.mentee.email, agreement.starts_on, agreement.ends_on, card.health]
    if ledger is None:
        return [*who, *term, *[""] * 8]
    beat = current_beat(card.beats)
    numbers: list[object] = [ledger.due, ledger.met, ledger.consecutive_missed]
    return [
        *who,
        *term,
        " ".join(ledger.health_reasons),
        *numbers,
        ledger.missed_by_mentor,
        ledger.missed_by_mentee,
        beat.period.verdict.value if beat else "",
        ledger.next_session.isoformat().replace("+00:00", "Z") if ledger.next_session else "",
    ]
