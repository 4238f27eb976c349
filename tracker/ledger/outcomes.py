"""What became of each session, and who was absent from those that failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from tracker.ledger.document import Outcome
from tracker.ledger.evidence import Presence, Side, Statement
from tracker.ledger.meetings import Meeting, by_start
from tracker.ledger.rules import Rules

_MENTOR = Side.MENTOR
_MENTEE = Side.MENTEE
_SIDES = (_MENTEE, _MENTOR)  # sorted as the ledger writes them
_ENOUGH = timedelta(minutes=10)

Stays = tuple[Presence, ...]

_HELD = Outcome.HELD
_CANCELLED = Outcome.CANCELLED
_SCHEDULED = Outcome.SCHEDULED
_NOT_HELD = Outcome.NOT_HELD
_DISPUTED = Outcome.DISPUTED
_AWAITING = Outcome.AWAITING
_UNCONFIRMED = Outcome.UNCONFIRMED


class Settled(NamedTuple):
    """Sessions whose outcomes are settled; `failed` by start and id, others in the order of the file."""

    meetings: list[Meeting]
    held: list[Meeting]
    failed: list[Meeting]
    undecided: list[Meeting]


def settle_outcomes(meetings: list[Meeting], now: datetime, rules: Rules) -> Settled:
    """Settle what became of each session, and sort sessions by that."""
    settled = Settled(meetings, [], [], [])
    _, held, failed, undecided = settled
    for meeting in meetings:
        outcome = settle_outcome(meeting, now, rules)
        if outcome is _HELD:
            held.append(meeting)
        elif outcome is _CANCELLED or outcome is _NOT_HELD:
            failed.append(meeting)
        else:
            undecided.append(meeting)
    failed.sort(key=by_start)
    return settled


def settle_outcome(meeting: Meeting, now: datetime, rules: Rules) -> Outcome:
    """Settle one session's outcome and, if it failed, who was absent and whether it was called off late."""
    statements = meeting.session.statements
    mentor, mentee = latest_words(statements, now) if statements else (None, None)
    if mentor is not None and mentee is not None and mentor.held and mentee.held:
        meeting.outcome = _HELD
        return _HELD
    meeting.outcome = outcome = decide(meeting, mentor, mentee, now, rules)
    if outcome is _CANCELLED:
        meeting.late = meeting.start - (meeting.off_since or meeting.start) < rules.notice
        meeting.absent = sort_sides(meeting.state.declined_by) or name_side(meeting.state.cancelled_by)
    elif outcome is _NOT_HELD:
        meeting.absent = find_absent(mentor, mentee, meeting.session.attendance)
    return outcome


def latest_words(statements: Iterable[Statement], now: datetime) -> tuple[Statement | None, Statement | None]:
    """Give the mentor's and the mentee's latest statement up to `now`; of equal instants, the last."""
    mentor: Statement | None = None
    mentee: Statement | None = None
    for said in statements:
        if said.at > now:
            continue
        if said.by is _MENTOR:
            if mentor is None or said.at >= mentor.at:
                mentor = said
        elif mentee is None or said.at >= mentee.at:
            mentee = said
    return mentor, mentee


def decide(
    meeting: Meeting, mentor: Statement | None, mentee: Statement | None, now: datetime, rules: Rules
) -> Outcome:
    """Go down the table of outcomes from its second row; the first one that fits decides."""
    said_held = (mentor is not None and mentor.held) or (mentee is not None and mentee.held)
    if meeting.off_since is not None and not said_held:
        return _CANCELLED
    if now < meeting.end:
        return _SCHEDULED
    attendance = meeting.session.attendance
    if mentor is not None and mentee is not None:
        return decide_spoken(attendance, said_held=said_held)
    over = now >= meeting.end + rules.confirm_within
    if mentor is not None or mentee is not None:
        return decide_half_spoken(attendance, said_held=said_held, over=over)
    return decide_silent(attendance, rules, over=over)


def decide_spoken(attendance: Stays | None, *, said_held: bool) -> Outcome:
    """Both spoke, and not both of them for 'held'."""
    if not said_held:
        return _NOT_HELD
    return _HELD if both_attended(attendance) else _DISPUTED


def decide_half_spoken(attendance: Stays | None, *, said_held: bool, over: bool) -> Outcome:
    """One spoke; the other may still do so until the confirm window is `over`."""
    if said_held:
        return _HELD if over or both_attended(attendance) else _AWAITING
    return _NOT_HELD if over else _AWAITING


def decide_silent(attendance: Stays | None, rules: Rules, *, over: bool) -> Outcome:
    """Nobody spoke: the meeting's own record decides, if there is one."""
    if both_attended(attendance):
        return _HELD
    if not over:
        return _AWAITING
    if attendance is not None:  # recorded, and not both attended: somebody is absent by record
        return _NOT_HELD
    return _HELD if rules.silence_is_held else _UNCONFIRMED


def both_attended(attendance: Stays | None) -> bool:
    """Tell whether a record shows both in the meeting for long enough."""
    return attendance is not None and all(attended(attendance, side) for side in _SIDES)


def attended(attendance: Stays, side: Side) -> bool:
    """Tell whether one side was there for 10 minutes in all; stays that overlap (two devices) count once."""
    stays = sorted((stay.joined_at, stay.left_at) for stay in attendance if stay.who is side)
    total = timedelta()
    until: datetime | None = None
    for joined, left in stays:
        if until is not None and joined < until:
            joined = until
        if left > joined:
            total += left - joined
            until = left
    return total >= _ENOUGH


def find_absent(
    mentor: Statement | None, mentee: Statement | None, attendance: Stays | None
) -> tuple[Side, ...]:
    """Tell who was absent from a session that was not held; two people who blame each other blame nobody."""
    said = {_MENTOR: mentor, _MENTEE: mentee}
    sure = tuple(
        side
        for side in _SIDES
        if names(said[side], side) or (attendance is not None and not attended(attendance, side))
    )
    if sure:
        return sure
    if mentor is None and names(mentee, _MENTOR):
        return (_MENTOR,)
    if mentee is None and names(mentor, _MENTEE):
        return (_MENTEE,)
    return ()


def names(statement: Statement | None, side: Side) -> bool:
    """Tell whether a statement names somebody as absent."""
    return statement is not None and side in statement.absent


def sort_sides(sides: Iterable[Side]) -> tuple[Side, ...]:
    """Give sides once each, in the order in which the ledger writes them."""
    return tuple(sorted(set(sides)))


def name_side(side: Side | None) -> tuple[Side, ...]:
    """Give one side, or none, as a list of sides."""
    return () if side is None else (side,)
