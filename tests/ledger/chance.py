"""Evidence made by chance, crowded around the edges where rules meet: midnights, limits of windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

Json = dict[str, Any]

ZONES = (
    "Europe/Madrid", "America/New_York", "Asia/Kolkata", "UTC",
    "America/Sao_Paulo",  # midnights that did not exist, until 2018
    "America/St_Johns",  # until 2011 clocks went back over midnight, at 00:01
    "America/Havana",  # midnights that happen twice
    "Asia/Beirut",  # midnights skipped in spring
    "Pacific/Apia",  # had no 30 December 2011
    "Africa/Cairo", "Atlantic/Azores", "Australia/Lord_Howe",
)  # fmt: skip
SIDES = ("mentor", "mentee")
STARTS = (
    date(2026, 3, 2), date(2026, 1, 31), date(2025, 10, 13), date(2018, 10, 20), date(2011, 10, 20),
    date(2011, 12, 12), date(2024, 2, 26), date(2009, 3, 1),
)  # fmt: skip
HOUR = timedelta(hours=1)


class Chance:
    """Makes the parts of one pair's evidence; a `Random` from Hypothesis can be shrunk."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.first = random.choice(STARTS)
        self.length = random.choice((3, 10, 20, 45, 45, 70))
        self.base = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    def maybe(self, share: float) -> bool:
        """Say yes, so often."""
        return self.random.random() < share

    def make_evidence(self) -> Json:
        """Make one pair's evidence, valid by the schema."""
        random = self.random
        evidence: Json = {
            "pair": "p",
            "timezone": random.choice(ZONES),
            "starts_on": self.first.isoformat(),
            "ends_on": (self.first + timedelta(days=self.length - 1)).isoformat(),
            "cadence": self.make_cadence(),
            "observed_until": None
            if self.maybe(0.05)
            else self.write(self.now() + random.choice((0, 0, -2, -4, 1)) * 24 * HOUR),
            "sessions": [self.make_session(f"s{n}") for n in random.sample(range(12), random.randint(0, 7))],
        }
        if self.maybe(0.6):
            evidence["policy"] = self.make_policy()
        if self.maybe(0.4):
            evidence["absences"] = [self.make_absence() for _ in range(random.randint(0, 3))]
        return evidence

    def now(self) -> datetime:
        """Choose a moment to judge at, often exactly on the hour."""
        return self.instant(-10, self.length + 20)

    def instant(self, least: int, most: int) -> datetime:
        """Choose an instant so many days after the agreement's first midnight."""
        hours = self.random.choice((0, 0, 3, 4, 9, 10, 10, 10, 14, 22, 23))
        shift = timedelta(minutes=self.random.choice((0, 0, 0, 0, 30, 31, 59)))
        return self.base + timedelta(days=self.random.randint(least, most)) + hours * HOUR + shift

    def write(self, at: datetime) -> str:
        """Write an instant, now and then with another offset."""
        if self.maybe(0.8):
            return at.isoformat().replace("+00:00", "Z")
        return at.astimezone(timezone(self.random.choice((-5, 2, 5)) * HOUR)).isoformat()

    def make_cadence(self) -> Json:
        """Make a cadence with periods of a few days to a few weeks."""
        every, unit = self.random.choice(
            (
                (7, "day"),
                (1, "week"),
                (1, "week"),
                (2, "week"),
                (1, "month"),
                (1, "day"),
                (5, "day"),
                (3, "day"),
            )
        )
        return {"sessions": self.random.choice((1, 1, 1, 2, 3)), "every": every, "unit": unit}

    def make_policy(self) -> Json:
        """Make a policy of some of the keys."""
        random = self.random
        full = {
            "grace_days": random.choice((0, 1, 2, 5, 10)),
            "reschedule_within_days": random.choice((0, 1, 3, 14)),
            "confirm_within_days": random.choice((0, 1, 2, 7)),
            "notice_hours": random.choice((0, 1, 24, 48)),
            "unconfirmed_counts_as": random.choice(("unconfirmed", "held")),
            "escalate_after": random.choice((1, 2, 3)),
            "stale_after_days": random.choice((1, 2, 7)),
        }
        return {key: value for key, value in full.items() if self.maybe(0.6)}

    def make_absence(self) -> Json:
        """Make an absence."""
        first = self.first + timedelta(days=self.random.randint(-5, self.length + 3))
        last = first + timedelta(days=self.random.randint(0, 12))
        return {
            "who": self.random.choice((*SIDES, "both")),
            "from": first.isoformat(),
            "to": last.isoformat(),
        }

    def make_session(self, name: str) -> Json:
        """Make a session with a history of a few observations, in any order."""
        random = self.random
        start = self.instant(-6, self.length + 10)
        at = start - random.choice((1, 2, 5, 9, 20)) * 24 * HOUR - random.choice((0, 0, 1, 5)) * HOUR
        seen = [self.observe(at, start)]
        for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3))):
            at += random.choice((0, 1, 6, 24, 24, 48, 120)) * HOUR
            if self.maybe(0.5):
                start += random.choice((-7, -1, 1, 2, 3, 7, 8)) * 24 * HOUR
            seen.append(self.observe(at, start, calm=0.6))
        if self.maybe(0.2):
            random.shuffle(seen)
        session: Json = {"id": name, "observations": seen}
        if self.maybe(0.7):
            session["statements"] = [self.make_statement(start) for _ in range(random.randint(0, 3))]
        if self.maybe(0.25):
            session["attendance"] = self.make_attendance(start)
        return session

    def observe(self, at: datetime, start: datetime, calm: float = 0.85) -> Json:
        """Make an observation."""
        end = start + self.random.choice((HOUR, HOUR, HOUR / 2, 26 * HOUR))
        seen: Json = {
            "at": self.write(at),
            "starts_at": self.write(start),
            "ends_at": self.write(end),
            "status": "confirmed",
        }
        if self.maybe(calm):
            return seen
        if self.maybe(0.6):
            seen["status"] = "cancelled"
        if self.maybe(0.4):
            seen["declined_by"] = self.random.sample(SIDES, self.random.randint(0, 2))
        if self.maybe(0.5):
            seen["cancelled_by"] = self.random.choice((*SIDES, None))
        return seen

    def make_statement(self, start: datetime) -> Json:
        """Make a statement."""
        said: Json = {
            "by": self.random.choice(SIDES),
            "at": self.write(start + self.random.choice((-3, 1, 2, 2, 20, 73, 100)) * HOUR),
            "held": self.maybe(0.6),
        }
        if self.maybe(0.5):
            said["absent"] = self.random.sample(SIDES, self.random.randint(0, 2))
        return said

    def make_attendance(self, start: datetime) -> list[Json] | None:
        """Make the record of a meeting, with stays that overlap or are just too short."""
        if self.maybe(0.1):
            return None
        minutes = timedelta(minutes=1)
        stays = []
        for _ in range(self.random.randint(0, 4)):
            joined = start + self.random.choice((0, 3, 5, 8, 30)) * minutes
            left = joined + self.random.choice((0, 4, 5, 6, 10, 40)) * minutes
            stays.append(
                {
                    "who": self.random.choice(SIDES),
                    "joined_at": self.write(joined),
                    "left_at": self.write(left),
                }
            )
        return stays


def make_case(random: Random) -> tuple[Json, datetime]:
    """Make evidence and a moment to judge it at."""
    chance = Chance(random)
    evidence = chance.make_evidence()
    now = chance.now()
    if evidence["sessions"] and chance.maybe(0.3):
        now = chance.random.choice(list_moments(evidence))
    return evidence, now


def list_moments(evidence: Json) -> list[datetime]:
    """List the instants that evidence names, where judging is most likely to err by one."""
    moments = []
    for session in evidence["sessions"]:
        for seen in session["observations"]:
            ends_at = datetime.fromisoformat(seen["ends_at"])
            moments += [datetime.fromisoformat(seen["at"]), ends_at, ends_at + timedelta(days=3)]
        moments += [datetime.fromisoformat(said["at"]) for said in session.get("statements", [])]
    return moments
