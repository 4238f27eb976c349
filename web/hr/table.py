"""One row of HR's table for each pair, in the ledger's own words. Holds no sentence and no goal."""

from tracker.services.overview import NOT_JUDGED, ExportRow

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


def cells(row: ExportRow) -> list[object]:
    """Return the pair's row, in the order of COLUMNS; instants are in UTC."""
    who: list[object] = [f"p-{row.pair_id}", row.program, row.mentor, row.mentor_email, row.mentee]
    term: list[object] = [row.mentee_email, row.starts_on, row.ends_on]
    ledger = row.ledger
    if ledger is None:
        return [*who, *term, NOT_JUDGED, *[""] * 8]
    return [
        *who,
        *term,
        ledger.health.value,
        " ".join(ledger.health_reasons),
        ledger.due,
        ledger.met,
        ledger.consecutive_missed,
        ledger.missed_by_mentor,
        ledger.missed_by_mentee,
        row.beat.period.verdict.value if row.beat else "",
        ledger.next_session.isoformat().replace("+00:00", "Z") if ledger.next_session else "",
    ]
