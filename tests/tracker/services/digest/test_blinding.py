"""HR's digest, read by somebody of HR who is in one of the pairs."""

from dataclasses import replace
from datetime import date

from tests.integrations.mail.samples import EVERYTHING
from tracker.ledger import Outcome, Reason, Side
from tracker.services.digest.blinding import blind
from tracker.services.digest.facts import (
    Digest,
    Listed,
    MissedPair,
    MissedPeriod,
    OpenSession,
    PairName,
    WaitingPair,
)

OWN, OTHER = PairName(7, "Ana", "Luis", 1, 2), PairName(8, "Eva", "Max", 3, 4)
DAY = date(2026, 11, 17)
ANA, LUIS, MARTA = 1, 2, 9
SPOKE = OpenSession(DAY, Outcome.AWAITING, silent=(Side.MENTOR,), say_held=())
NOBODY = OpenSession(DAY, Outcome.AWAITING, silent=(Side.MENTOR, Side.MENTEE), say_held=())
CLOSED = OpenSession(DAY, Outcome.UNCONFIRMED, silent=(Side.MENTOR,), say_held=())
SAID = ((Side.MENTOR, "I was ill."), (Side.MENTEE, "Ana never answers."))


def waiting(*pairs: tuple[PairName, OpenSession], more: int = 0) -> Digest:
    items = tuple(WaitingPair(pair, (session,)) for pair, session in pairs)
    return replace(EVERYTHING, waiting=Listed(items, len(items) + more))


def test_who_spoke_first_is_not_told_to_the_other_one() -> None:
    spoken, unspoken = (
        waiting((OWN, SPOKE), (OTHER, SPOKE), more=4),
        waiting((OWN, NOBODY), (OTHER, SPOKE), more=4),
    )
    for reader in (ANA, LUIS):
        told = blind(spoken, reader)
        assert told == blind(unspoken, reader)
        assert [each.pair for each in told.waiting.items] == [OTHER]
        assert told.waiting.total == 5


def test_it_is_told_once_the_time_is_over() -> None:
    digest = waiting((OWN, CLOSED))
    assert blind(digest, ANA) == digest


def test_what_the_partner_wrote_for_hr_is_for_others_of_hr() -> None:
    period = MissedPeriod(DAY, DAY, Reason.NO_SESSION, (), SAID)
    missed = Listed((MissedPair(OWN, (period,), 1, sees_ahead=True, next_session_on=None),), 1)
    digest = replace(EVERYTHING, new=missed, continuing=missed)
    for reader, words in ((ANA, SAID[:1]), (LUIS, SAID[1:]), (MARTA, SAID)):
        told = blind(digest, reader)
        for pairs in (told.new, told.continuing):
            assert pairs.items[0].periods[0].remarks == words
            assert pairs.total == 1


def test_everybody_else_reads_it_as_it_is() -> None:
    assert blind(EVERYTHING, 10_000) == EVERYTHING
