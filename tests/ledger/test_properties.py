"""What holds of any evidence; the most telling one is that the slow oracle says the same."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.chance import Chance, make_case
from tests.ledger.makers import held, look, moment, named, pair, seen, session
from tests.ledger.oracle import DEFAULTS, instant, judge_slowly, prepare
from tracker.ledger import Ledger, Verdict, decode_evidence, encode_ledger, judge

Json = dict[str, Any]

SEEDS = st.integers(min_value=0, max_value=2**40)


def judged(evidence: Json, now: datetime) -> Ledger:
    """Judge evidence as a file holds it."""
    return judge(decode_evidence(json.dumps(evidence)), now=now)


def as_json(ledger: Ledger) -> Json:
    """Give a ledger as its JSON form."""
    document: Json = json.loads(encode_ledger(ledger))
    return document


def known_by(evidence: Json, now: datetime) -> Json:
    """Give the evidence that existed at `now`."""
    sessions = []
    for told in evidence["sessions"]:
        kept = {
            key: [e for e in told.get(key, []) if instant(e["at"]) <= now]
            for key in ("observations", "statements")
        }
        if kept["observations"]:
            sessions.append(told | kept)
    read = evidence["observed_until"]
    if read is not None and instant(read) > now:
        read = now.isoformat()
    return evidence | {"sessions": sessions, "observed_until": read}


def without_clock(ledger: Ledger) -> Ledger:
    """Give a ledger without the field that always changes."""
    return msgspec.structs.replace(ledger, now=moment("01-01"))


@settings(max_examples=400)
@given(SEEDS)
def test_it_says_what_the_slow_oracle_says(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    assert as_json(judged(evidence, now)) == judge_slowly(evidence, now)


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_it_says_what_the_slow_oracle_says_of_evidence_that_can_be_shrunk(random: Random) -> None:
    evidence, now = make_case(random)
    assert as_json(judged(evidence, now)) == judge_slowly(evidence, now)


@settings(max_examples=100)
@given(SEEDS)
def test_it_does_not_mind_the_order_of_sessions(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    shuffled = evidence | {
        "sessions": Random(seed + 1).sample(evidence["sessions"], len(evidence["sessions"]))
    }
    one, other = judged(evidence, now), judged(shuffled, now)
    assert sorted(one.sessions, key=lambda s: s.id) == sorted(other.sessions, key=lambda s: s.id)
    assert msgspec.structs.replace(one, sessions=()) == msgspec.structs.replace(other, sessions=())


@settings(max_examples=150)
@given(SEEDS)
def test_it_knows_then_only_what_existed_then(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    assert judged(evidence, now) == judged(known_by(evidence, now), now)


@settings(max_examples=150)
@given(SEEDS)
def test_it_changes_only_at_the_next_review(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    evidence = known_by(evidence, now)
    ledger = judged(evidence, now)
    until = ledger.next_review_at or now + timedelta(days=2000)
    random = Random(seed)
    span = (until - now) // timedelta.resolution
    for step in [1, span - 1, *(random.randrange(span) for _ in range(6))]:
        later = judged(evidence, now + step * timedelta.resolution)
        assert without_clock(later) == without_clock(ledger)


@settings(max_examples=200)
@given(SEEDS)
def test_it_keeps_a_period_met_when_a_held_session_comes_that_replaces_none(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    added = Chance(Random(seed + 1)).make_session("new")
    start = added["observations"][-1]["starts_at"]
    added["statements"] = [{"by": by, "at": start, "held": True} for by in ("mentor", "mentee")]
    before, after = (
        judged(evidence, now),
        judged(evidence | {"sessions": [*evidence["sessions"], added]}, now),
    )
    if any(s.id == "new" and s.replaces for s in after.sessions):
        return
    for was, is_now in zip(before.periods, after.periods, strict=True):
        assert was.verdict is not Verdict.MET or is_now.verdict is Verdict.MET


def test_it_may_unmeet_a_period_when_a_held_session_takes_the_place_of_a_replacement() -> None:
    # `far` replaced the cancelled session and so could serve the third week; once `near` replaces it, that
    # follows the rules too, but `far` is then a session of the fifth week, which has another.
    off = session("off", seen("03-02 10:00"), seen("03-02 10:00", at="03-01 10:00", status="cancelled"))
    others = [held("w1", "03-02 12:00"), held("w2", "03-10 10:00"), held("w5", "04-01 10:00")]
    far = held("far", "04-02 10:00", at="03-02 10:00")
    near = held("near", "03-05 10:00", at="03-02 10:00")
    weekly: Json = {"cadence": {"sessions": 1, "every": 1, "unit": "week"}, "policy": {"grace_days": 0}}
    before = look(pair(off, *others, far, **weekly), "05-01")
    after = look(pair(off, *others, far, near, **weekly), "05-01")
    assert (named(before, "far").origin, named(after, "far").origin) == (
        moment("03-02 10:00"),
        moment("04-02 10:00"),
    )
    assert [p.verdict for p in (before.periods[2], after.periods[2])] == [Verdict.MET, Verdict.MISSED]


def count_matched(periods: list[Json], sessions: list[Json]) -> int:
    """Match sessions to slots of periods as often as can be, by augmenting paths."""
    slots = [i for i, p in enumerate(periods) if not p["excusable"] for _ in range(p["required"])]
    taken: dict[int, int] = {}

    def place(number: int, tried: set[int]) -> bool:
        for slot, period in enumerate(slots):
            if period in sessions[number]["eligible"] and slot not in tried:
                tried.add(slot)
                if slot not in taken or place(taken[slot], tried):
                    taken[slot] = number
                    return True
        return False

    return sum(place(number, set()) for number in range(len(sessions)))


@settings(max_examples=200)
@given(SEEDS)
def test_it_fills_as_many_slots_with_held_sessions_as_can_be_filled(seed: int) -> None:
    evidence, now = make_case(Random(seed))
    ledger = judged(evidence, now)
    periods, sessions = prepare(evidence, DEFAULTS | evidence.get("policy", {}), now)
    held_ones = [s for s in sessions if s["outcome"] == "held"]
    ids = {s["id"] for s in held_ones}
    serving = [p.sessions for p, raw in zip(ledger.periods, periods, strict=True) if not raw["excusable"]]
    assert sum(name in ids for names in serving for name in names) == count_matched(periods, held_ones)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@settings(max_examples=60)
@given(
    st.dates(min_value=date(1950, 1, 1), max_value=date(2150, 1, 1)),
    st.integers(0, 900),
    st.integers(1, 40),
)
def test_it_lays_periods_without_holes(unit: str, first: Any, length: int, every: int) -> None:
    changes = {
        "starts_on": first.isoformat(),
        "ends_on": (first + timedelta(days=length)).isoformat(),
        "cadence": {"sessions": 1, "every": every, "unit": unit},
    }
    periods = look(pair(**changes), "01-01").periods
    assert all(a.ends_before == b.starts_on for a, b in pairwise(periods))
    assert not periods or periods[0].starts_on == first
    assert all(p.starts_on < p.ends_before <= first + timedelta(days=length + 1) for p in periods)
