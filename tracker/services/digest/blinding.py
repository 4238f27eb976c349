"""A digest as one reader may have it: who is of HR and in a pair learns nothing that is kept from the pair.

Changes nothing for other readers, and nothing that both sides said or that HR is told of other pairs.
"""

from collections.abc import Iterable
from dataclasses import replace

from tracker.ledger import Outcome, Side
from tracker.services.digest.facts import Digest, Listed, MissedPair, PairName, WaitingPair


def blind(digest: Digest, reader_id: int) -> Digest:
    """Return the digest without what the reader's own partners said for HR's ears, or first."""
    waiting = [_without_open(each, reader_id) for each in digest.waiting.items]
    kept = tuple(each for each in waiting if each.sessions)
    gone = len(waiting) - len(kept)
    return replace(
        digest,
        new=_without_words(digest.new, reader_id),
        continuing=_without_words(digest.continuing, reader_id),
        waiting=Listed(kept, digest.waiting.total - gone),
    )


def _without_open(waiting: WaitingPair, reader_id: int) -> WaitingPair:
    # All of them, also where nobody has spoken: what is missing must not tell that somebody has.
    if _side_in(waiting.pair, reader_id) is None:
        return waiting
    return replace(waiting, sessions=tuple(s for s in waiting.sessions if s.outcome is not Outcome.AWAITING))


def _without_words(missed: Listed[MissedPair], reader_id: int) -> Listed[MissedPair]:
    return replace(missed, items=tuple(_own_words(each, reader_id) for each in missed.items))


def _own_words(missed: MissedPair, reader_id: int) -> MissedPair:
    own = _side_in(missed.pair, reader_id)
    if own is None:
        return missed
    periods = tuple(replace(p, remarks=tuple(_of(own, p.remarks))) for p in missed.periods)
    return replace(missed, periods=periods)


def _of(side: Side, remarks: Iterable[tuple[Side, str]]) -> Iterable[tuple[Side, str]]:
    return (remark for remark in remarks if remark[0] is side)


def _side_in(pair: PairName, person_id: int) -> Side | None:
    return {pair.mentor_id: Side.MENTOR, pair.mentee_id: Side.MENTEE}.get(person_id)
