"""The rules of docs/ledger.md once more: slow, plain, on decoded JSON, sharing no code with `tracker.ledger`.

The fast implementation is compared with this one on random evidence. It is written to be read beside the
page, so it takes every sentence as it stands.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DEFAULTS: Json = {
    "grace_days": 3,
    "reschedule_within_days": 7,
    "confirm_within_days": 3,
    "notice_hours": 24,
    "unconfirmed_counts_as": "unconfirmed",
    "escalate_after": 2,
    "stale_after_days": 3,
}


def judge_slowly(evidence: Json, now: datetime) -> Json:
    """Judge decoded evidence at `now`; gives the decoded ledger."""
    policy = DEFAULTS | evidence.get("policy", {})
    periods, sessions = prepare(evidence, policy, now)
    fill(periods, sessions, evidence["timezone"])
    observed = evidence["observed_until"] and min(instant(evidence["observed_until"]), now)
    for period in periods:
        judge_period(period, periods, sessions, observed, evidence["timezone"])
    return write(evidence, policy, periods, sessions, observed, now)


def prepare(evidence: Json, policy: Json, now: datetime) -> tuple[list[Json], list[Json]]:
    """Settle sessions and lay periods, up to knowing which session may serve which period."""
    sessions = known_sessions(evidence, policy, now)
    for session in sessions:
        session["outcome"] = find_outcome(session, policy, now)
        session["absent"] = find_absent(session)
        session["replaces"] = None
    replace(sessions, policy)
    periods = lay_periods(evidence, policy)
    for period in periods:
        period["excusable"] = is_excusable(period, evidence)
        period["over"] = now >= period["closes_at"]
    for session in sessions:
        session["eligible"] = eligible_periods(session, periods, policy, evidence["timezone"])
        session["used"] = False
    return periods, sessions


def instant(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


def local_date(at: datetime, zone: str) -> date:
    """Tell an instant's local date."""
    return at.astimezone(ZoneInfo(zone)).date()


@cache
def local_midnight(day: date, zone: str) -> datetime:
    """Walk along the clock to the first instant whose wall time has reached 00:00 of a day."""
    info = ZoneInfo(zone)
    wanted = datetime.combine(day, time.min)

    def wall(at: datetime) -> datetime:
        return at.astimezone(info).replace(tzinfo=None)

    at = wanted.replace(tzinfo=UTC) - 27 * HOUR
    while wall(at) < wanted:
        if wall(at + HOUR) - wall(at) != HOUR:
            for minute in range(60):  # the clock is set at whole minutes, but for some before 1972
                if max(wall(at + minute * MINUTE), wall(at + (minute + 1) * MINUTE - SECOND)) >= wanted:
                    seconds = (at + minute * MINUTE + second * SECOND for second in range(60))
                    return next(second for second in seconds if wall(second) >= wanted)
        elif wanted < wall(at + HOUR):
            return at + (wanted - wall(at))
        at += HOUR
    return at


# Section 1


def bound(evidence: Json, i: int) -> date:
    """Tell the first day of the uncut period i."""
    first = date.fromisoformat(evidence["starts_on"])
    step: int = i * evidence["cadence"]["every"]
    if evidence["cadence"]["unit"] == "day":
        return first + step * DAY
    if evidence["cadence"]["unit"] == "week":
        return first + step * 7 * DAY
    months = first.year * 12 + (first.month - 1) + step
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def lay_periods(evidence: Json, policy: Json) -> list[Json]:
    """Lay the agreement's periods."""
    after_all = date.fromisoformat(evidence["ends_on"]) + DAY
    periods: list[Json] = []
    while bound(evidence, len(periods)) < after_all:
        start, end = bound(evidence, len(periods)), bound(evidence, len(periods) + 1)
        if end > after_all:
            if (after_all - start) / (end - start) < 0.5:
                break
            end = after_all
        starts_at, ends_at = (local_midnight(day, evidence["timezone"]) for day in (start, end))
        closes_at = local_midnight(end + policy["grace_days"] * DAY, evidence["timezone"])
        periods.append(
            {"start": start, "end": end, "starts_at": starts_at, "ends_at": ends_at, "closes_at": closes_at}
        )
        if end == after_all:
            break
    for period in periods:
        period["required"] = evidence["cadence"]["sessions"]
        period["slots"] = []
    return periods


# Section 2


def known_sessions(evidence: Json, policy: Json, now: datetime) -> list[Json]:
    """List the sessions that exist at `now`."""
    sessions = []
    for raw in evidence["sessions"]:
        seen = sorted(
            (o for o in raw["observations"] if instant(o["at"]) <= now), key=lambda o: instant(o["at"])
        )
        said = sorted(
            (s for s in raw.get("statements", []) if instant(s["at"]) <= now), key=lambda s: instant(s["at"])
        )
        if seen:
            sessions.append(
                {
                    "id": raw["id"],
                    "seen": seen,
                    "state": seen[-1],
                    "first_seen": instant(seen[0]["at"]),
                    "start": instant(seen[-1]["starts_at"]),
                    "end": instant(seen[-1]["ends_at"]),
                    "said": {s["by"]: s for s in said},
                    "attendance": raw.get("attendance"),
                    "origin": find_origin(seen, policy),
                }
            )
    return sessions


def find_origin(seen: list[Json], policy: Json) -> datetime:
    """Try runs of moves that end at the current start, from the shortest to the longest."""
    within = policy["reschedule_within_days"] * 24 * HOUR
    confirmed = [o for o in seen if o["status"] == "confirmed"]
    steps = [
        (instant(a["starts_at"]), instant(b["starts_at"]), instant(b["at"])) for a, b in pairwise(confirmed)
    ]
    moves = [step for step in steps if step[0] != step[1]]
    current = instant(seen[-1]["starts_at"])
    if not moves or moves[-1][1] != current:
        return current
    origin = current
    for length in range(1, len(moves) + 1):
        run = moves[-length:]
        if all(observed <= left + within for left, _, observed in run):
            origin = run[0][0]
    return origin


# Section 3


def attended(session: Json, who: str) -> bool:
    """Add up the stretches, between any two ends of stays, with this person in the meeting."""
    stays = [
        (instant(s["joined_at"]), instant(s["left_at"])) for s in session["attendance"] if s["who"] == who
    ]
    ends = sorted({end for stay in stays for end in stay})
    total = timedelta()
    for a, b in pairwise(ends):
        if any(joined <= a and b <= left for joined, left in stays):
            total += b - a
    return total >= timedelta(minutes=10)


def both_attended(session: Json) -> bool:
    """Tell whether the record shows both."""
    return session["attendance"] is not None and attended(session, "mentor") and attended(session, "mentee")


def absent_by_record(session: Json, who: str) -> bool:
    """Tell whether the record shows that somebody was not there for long enough."""
    return session["attendance"] is not None and not attended(session, who)


def is_off(observation: Json) -> bool:
    """Tell whether an observation shows a session cancelled or declined."""
    return observation["status"] == "cancelled" or bool(observation.get("declined_by"))


def cancelled_at(session: Json) -> datetime:
    """Tell when the first of the observations at the end that are all off was made."""
    first = min(i for i in range(len(session["seen"])) if all(map(is_off, session["seen"][i:])))
    return instant(session["seen"][first]["at"])


def find_outcome(session: Json, policy: Json, now: datetime) -> str:
    """Go down the table."""
    held = [who for who, s in session["said"].items() if s["held"]]
    not_held = [who for who, s in session["said"].items() if not s["held"]]
    over = now >= session["end"] + policy["confirm_within_days"] * 24 * HOUR
    someone_absent = absent_by_record(session, "mentor") or absent_by_record(session, "mentee")
    rows = [
        (len(held) == 2, "held"),
        (is_off(session["state"]) and not held, "cancelled"),
        (now < session["end"], "scheduled"),
        (len(not_held) == 2, "not_held"),
        (held and not_held, "held" if both_attended(session) else "disputed"),
        (held and not not_held, "held" if both_attended(session) or over else "awaiting"),
        (not_held and not held, "not_held" if over else "awaiting"),
        (both_attended(session), "held"),
        (someone_absent, "not_held" if over else "awaiting"),
        (True, policy["unconfirmed_counts_as"] if over else "awaiting"),
    ]
    return next(outcome for fits, outcome in rows if fits)


def find_absent(session: Json) -> list[str]:
    """Tell who was absent from a failed session."""
    if session["outcome"] == "cancelled":
        state = session["state"]
        by = state.get("cancelled_by")
        return sorted(state.get("declined_by") or ([by] if by else []))
    if session["outcome"] != "not_held":
        return []
    own = {who for who, s in session["said"].items() if who in s.get("absent", [])}
    record = {who for who in ("mentor", "mentee") if absent_by_record(session, who)}
    if own | record:
        return sorted(own | record)
    if len(session["said"]) == 1:
        (speech,) = session["said"].values()
        return sorted(set(speech.get("absent", [])) - set(session["said"]))
    return []


# Section 4


def replace(sessions: list[Json], policy: Json) -> None:
    """Give failed sessions their replacements."""
    taken: set[str] = set()
    failed = [s for s in sessions if s["outcome"] in ("cancelled", "not_held")]
    for lost in sorted(failed, key=lambda s: (s["start"], s["id"])):
        known = cancelled_at(lost) if lost["outcome"] == "cancelled" else lost["start"]
        eligible = [
            s
            for s in sessions
            if s is not lost
            and s["id"] not in taken
            and s["outcome"] != "cancelled"
            and s["start"] > lost["start"]
            and known - 24 * HOUR
            <= s["first_seen"]
            <= lost["start"] + policy["reschedule_within_days"] * 24 * HOUR
        ]
        if eligible:
            best = min(eligible, key=lambda s: (s["start"], s["id"]))
            taken.add(best["id"])
            best["replaces"] = lost["id"]
            best["origin"] = lost["origin"]


# Section 5


def period_of(day: date, periods: list[Json]) -> int | None:
    """Tell the index of the period that contains a date."""
    return next((i for i, p in enumerate(periods) if p["start"] <= day < p["end"]), None)


def eligible_periods(session: Json, periods: list[Json], policy: Json, zone: str) -> set[int]:
    """List the periods that a session may serve."""
    day, origin_day = local_date(session["start"], zone), local_date(session["origin"], zone)
    grace = policy["grace_days"] * DAY
    found = {i for i, p in enumerate(periods) if p["start"] - grace <= day < p["end"] + grace}
    inside = period_of(day, periods)
    if inside is not None:
        found.add(inside)
    origin = period_of(origin_day, periods)
    if origin is not None:
        here = inside if inside is not None else 0 if day < periods[0]["start"] else len(periods) - 1
        found |= set(range(min(origin, here), max(origin, here) + 1))
    return found


def fill(periods: list[Json], sessions: list[Json], zone: str) -> None:
    """Fill the slots, class by class."""
    order = [i for i, p in enumerate(periods) if not p["excusable"]] + [
        i for i, p in enumerate(periods) if p["excusable"]
    ]
    for outcome in ("held", "awaiting", "disputed", "unconfirmed", "scheduled"):
        for i in order:
            while len(periods[i]["slots"]) < periods[i]["required"]:
                able = [
                    s for s in sessions if s["outcome"] == outcome and not s["used"] and i in s["eligible"]
                ]
                if not able:
                    break
                best = min(able, key=lambda s: slot_order(s, i, periods, zone))
                best["used"] = True
                periods[i]["slots"].append(best)


def slot_order(session: Json, i: int, periods: list[Json], zone: str) -> tuple[int, bool, datetime, str]:
    """Give the order in which sessions take a slot of period i."""
    elsewhere = period_of(local_date(session["origin"], zone), periods) != i
    return max(session["eligible"]), elsewhere, session["start"], session["id"]


# Section 6


def is_excusable(period: Json, evidence: Json) -> bool:
    """Tell whether fewer than half of a period's working days are free."""
    days = [period["start"] + n * DAY for n in range((period["end"] - period["start"]).days)]
    working = [day for day in days if day.isoweekday() <= 5]
    free = [
        day
        for day in working
        if not any(a["from"] <= day.isoformat() <= a["to"] for a in evidence.get("absences", []))
    ]
    return not working or len(free) < len(working) / 2


def judge_period(
    period: Json, periods: list[Json], sessions: list[Json], observed: datetime | None, zone: str
) -> None:
    """Judge one period."""
    outcomes = [s["outcome"] for s in period["slots"]]
    empty = len(outcomes) < period["required"]
    period["reason"], period["missed_by"] = None, []
    if not empty and set(outcomes) == {"held"}:
        period["verdict"], period["reason"] = "met", why_met(period, periods, zone)
    elif period["excusable"]:
        period["verdict"] = "excused"
    elif not period["over"]:
        period["verdict"] = "open" if empty else "planned"
    elif empty and observed is not None and observed >= period["closes_at"]:
        period["verdict"] = "missed"
        period["reason"], period["missed_by"] = why_missed(period, sessions, zone)
    elif empty:
        period["verdict"] = "unknown"
    else:
        worst = next(o for o in ("disputed", "unconfirmed", "awaiting", "scheduled") if o in outcomes)
        period["verdict"] = "rescheduled" if worst == "scheduled" else worst


def why_met(period: Json, periods: list[Json], zone: str) -> str:
    """Give the strongest reason of a met period."""
    reasons = set()
    for session in period["slots"]:
        day = local_date(session["start"], zone)
        origin, start = (period_of(local_date(session[key], zone), periods) for key in ("origin", "start"))
        if origin is not None and start is not None and origin != start:
            reasons.add("rescheduled")
        if day >= period["end"]:
            reasons.add("late")
        if day < period["start"]:
            reasons.add("early")
    return next((r for r in ("rescheduled", "late", "early") if r in reasons), "on_time")


def why_missed(period: Json, sessions: list[Json], zone: str) -> tuple[str, list[str]]:
    """Tell why a period was missed and by whom."""

    def touches(session: Json) -> bool:
        days = [local_date(session[key], zone) for key in ("origin", "start")]
        return any(period["start"] <= day < period["end"] for day in days)

    failed = [s for s in sessions if s["outcome"] in ("not_held", "cancelled") and touches(s)]
    by = sorted({who for s in failed for who in s["absent"]})
    if any(s["outcome"] == "not_held" for s in failed):
        return "no_show", by
    return ("cancelled", by) if failed else ("no_session", [])


# Sections 7 and 8


def find_health(
    ledger: Json, policy: Json, periods: list[Json], observed: datetime | None, now: datetime
) -> tuple[str, list[str]]:
    """Judge the pair as a whole."""
    decided = [p for p in periods if p["verdict"] in ("met", "missed")]
    over = [p for p in periods if p["over"]]
    current = [p for p in periods if p["starts_at"] <= now < p["ends_at"]]
    if periods and now < periods[0]["starts_at"]:
        return "not_started", []
    if len(over) == len(periods):
        return "ended", []
    if observed is None or (now - observed) / DAY >= policy["stale_after_days"]:
        return "unknown", ["stale"]
    if ledger["consecutive_missed"] >= policy["escalate_after"]:
        return "off_track", ["missed"]
    reasons = []
    if decided and decided[-1]["verdict"] == "missed":
        reasons.append("missed")
    if over and over[-1]["verdict"] == "disputed":
        reasons.append("disputed")
    if any(
        p["verdict"] == "open" and 3 * (now - p["starts_at"]) >= 2 * (p["ends_at"] - p["starts_at"])
        for p in current
    ):
        reasons.append("nothing_scheduled")
    return ("at_risk" if reasons else "on_track"), reasons


def find_next_review(
    policy: Json, periods: list[Json], sessions: list[Json], observed: datetime | None, now: datetime
) -> datetime | None:
    """Give the earliest of all instants to come at which time alone counts."""
    turns = []
    for session in sessions:
        turns += [session["end"], session["end"] + policy["confirm_within_days"] * 24 * HOUR]
    for p in periods:
        two_thirds = p["starts_at"] + timedelta(
            microseconds=-(-2 * ((p["ends_at"] - p["starts_at"]) // timedelta.resolution) // 3)
        )
        turns += [p["starts_at"], two_thirds, p["ends_at"], p["closes_at"]]
    if observed is not None:
        turns.append(observed + policy["stale_after_days"] * 24 * HOUR)
    return min((turn for turn in turns if turn > now), default=None)


def write(
    evidence: Json,
    policy: Json,
    periods: list[Json],
    sessions: list[Json],
    observed: datetime | None,
    now: datetime,
) -> Json:
    """Put the ledger together."""
    decided = [p for p in periods if p["verdict"] in ("met", "missed")]
    missed = [p for p in decided if p["verdict"] == "missed"]
    due = sum(p["required"] for p in decided)
    met = sum(s["outcome"] == "held" for p in decided for s in p["slots"])
    in_a_row = 0
    while in_a_row < len(decided) and decided[-1 - in_a_row]["verdict"] == "missed":
        in_a_row += 1
    ledger: Json = {
        "pair": evidence["pair"],
        "now": text(now),
        "periods": [
            {
                "starts_on": p["start"].isoformat(),
                "ends_before": p["end"].isoformat(),
                "required": p["required"],
                "verdict": p["verdict"],
                "reason": p["reason"],
                "sessions": [s["id"] for s in p["slots"]],
                "missed_by": p["missed_by"],
            }
            for p in periods
        ],
        "sessions": [
            {
                "id": s["id"],
                "outcome": s["outcome"],
                "late": s["outcome"] == "cancelled"
                and s["start"] - cancelled_at(s) < policy["notice_hours"] * HOUR,
                "absent": s["absent"],
                "origin": text(s["origin"]),
                "replaces": s["replaces"],
            }
            for s in sessions
        ],
        "due": due,
        "met": met,
        "attendance": met / due if due else None,
        "consecutive_missed": in_a_row,
        "missed_by_mentor": sum("mentor" in p["missed_by"] for p in missed),
        "missed_by_mentee": sum("mentee" in p["missed_by"] for p in missed),
        "next_session": text(
            min((s["start"] for s in sessions if s["outcome"] == "scheduled"), default=None)
        ),
    }
    ledger["health"], ledger["health_reasons"] = find_health(ledger, policy, periods, observed, now)
    ledger["next_review_at"] = text(find_next_review(policy, periods, sessions, observed, now))
    return ledger


def text(at: datetime | None) -> str | None:
    """Write an instant in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
