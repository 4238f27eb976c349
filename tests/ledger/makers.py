"""Short ways to write evidence by hand. Times are UTC in 2026, written like "03-05 10:00"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tracker.ledger import Evidence, Ledger, PeriodVerdict, SessionOutcome, decode_evidence, judge

Json = dict[str, Any]


def instant(text: str) -> str:
    """Write an instant of 2026."""
    day, _, time = text.partition(" ")
    return f"2026-{day}T{time or '00:00'}:00Z"


def moment(text: str) -> datetime:
    """Give an instant of 2026."""
    return datetime.fromisoformat(instant(text)).astimezone(UTC)


def seen(start: str, at: str = "02-20 09:00", status: str = "confirmed", **more: Any) -> Json:
    """Make an observation of a session of one hour."""
    ends_at = datetime.fromisoformat(instant(start)).timestamp() + 3600
    end = datetime.fromtimestamp(ends_at, UTC).isoformat()
    return {"at": instant(at), "starts_at": instant(start), "ends_at": end, "status": status, **more}


def said(by: str, held: bool, *absent: str, at: str = "03-05 12:00") -> Json:
    """Make a statement."""
    return {"by": by, "at": instant(at), "held": held, "absent": list(absent)}


def both(held: bool = True, at: str = "03-05 12:00") -> list[Json]:
    """Make the statements of two people who agree."""
    return [said("mentor", held, at=at), said("mentee", held, at=at)]


def stay(who: str, joined: str, left: str) -> Json:
    """Make a stay in the online meeting."""
    return {"who": who, "joined_at": instant(joined), "left_at": instant(left)}


def session(name: str, *observations: Json, **more: Any) -> Json:
    """Make a session of some observations."""
    return {"id": name, "observations": list(observations), **more}


def held(name: str, start: str, at: str = "02-20 09:00") -> Json:
    """Make a session that both say was held."""
    return session(name, seen(start, at), statements=both(at=start))


def pair(*sessions: Json, read: str | None = "12-30", **changes: Any) -> Evidence:
    """Make a pair in Madrid that meets once every two weeks from Monday 2 March 2026."""
    evidence: Json = {
        "pair": "p",
        "timezone": "Europe/Madrid",
        "starts_on": "2026-03-02",
        "ends_on": "2026-08-30",
        "cadence": {"sessions": 1, "every": 2, "unit": "week"},
        "observed_until": read and instant(read),
        "sessions": list(sessions),
    }
    return decode_evidence(msgspec.json.encode(evidence | changes))


def look(evidence: Evidence, now: str) -> Ledger:
    """Judge at an instant of 2026."""
    return judge(evidence, now=moment(now))


def first_period(ledger: Ledger) -> PeriodVerdict:
    """Give the first period, 2 to 15 March."""
    return ledger.periods[0]


def only_session(ledger: Ledger) -> SessionOutcome:
    """Give the one session."""
    (outcome,) = ledger.sessions
    return outcome


def named(ledger: Ledger, name: str) -> SessionOutcome:
    """Give a session by its id."""
    return next(s for s in ledger.sessions if s.id == name)
