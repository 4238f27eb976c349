"""Everything that a pair's page says beside its pictures. Says nothing that the viewer may not see."""

from collections.abc import Iterable
from typing import Any

from tracker.ledger import Policy, Side, Verdict
from tracker.models import Person
from tracker.services.beats import Place
from tracker.services.pairview import Chapter, PairView
from tracker.wording import MARKS, N_, Mark
from web.words.people import Eyes
from web.words.standing import standing


def page_of(view: PairView, eyes: Eyes) -> dict[str, Any]:
    """Return what the template needs beside the view."""
    behind = [c for c in reversed(view.chapters) if c.beat.place is not Place.AHEAD]
    return {
        "told": behind,
        "missed": bool(behind) and any(c.beat.period.verdict is Verdict.MISSED for c in behind[:2]),
        "ahead": [c for c in view.chapters if c.beat.place is Place.AHEAD],
        "legend": _legend(view.chapters),
        "summary": _summary(view, eyes),
        "rules": _rules(view.policy, eyes),
        "standing": [] if eyes.side else standing(eyes.reader, view.card),
    }


def whose_remarks(person: Person, side: Side | None) -> list[Side]:
    """Return of which sides this person reads what they said of a miss: HR both, one of the two their own."""
    if side:
        return [side]
    return list(Side) if person.is_hr else []


def _legend(chapters: Iterable[Chapter]) -> list[Mark]:
    shown = {chapter.beat.mark.name for chapter in chapters}
    return [mark for mark in MARKS.values() if mark.name in shown]


def _summary(view: PairView, eyes: Eyes) -> str:
    ledger = view.ledger
    if ledger is None or ledger.due == 0:
        return eyes.reader.say(N_("Nothing has come due yet. The marks fill up as time goes by."))
    if ledger.met == ledger.due:
        text = N_("You met every time so far.") if eyes.side else N_("They met every time so far.")
        return eyes.reader.say(text)
    if ledger.met == 0:
        return eyes.reader.say(N_("No session has taken place so far; %(due)d were due."), due=ledger.due)
    return eyes.reader.say(N_("%(met)d of %(due)d sessions took place."), met=ledger.met, due=ledger.due)


def _rules(policy: Policy, eyes: Eyes) -> list[str]:
    say = eyes.reader.say
    return [
        say(N_("A session up to %(days)d days before or after still counts."), days=policy.grace_days),
        say(
            N_("A cancelled session is made up for by a new date within %(days)d days."),
            days=policy.reschedule_within_days,
        ),
        say(
            N_("After a session, both can say for %(days)d days whether it took place."),
            days=policy.confirm_within_days,
        ),
        say(_SILENCE[policy.unconfirmed_counts_as]),
        say(
            N_("A calendar that could not be read for %(days)d days is named, and nobody is blamed."),
            days=policy.stale_after_days,
        ),
    ]


_SILENCE = {
    "unconfirmed": N_("If nobody says anything, it is shown as such and not counted as missed."),
    "held": N_("If nobody says anything, the calendar is believed and the session counts."),
}
