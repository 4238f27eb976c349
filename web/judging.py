"""Judging one pair at once, so that the page after an answer shows what came of it. Decides nothing."""

from tracker.services.review import review_pairs
from web import current


def judge_now(pair_id: int) -> None:
    """Judge the pair as things stand now. The schedule would do the same some seconds later."""
    review_pairs(current.ports().store, [pair_id], current.now())
