"""How the two people of a pair are called, by whoever reads: one of them, or HR."""

from collections.abc import Collection
from dataclasses import dataclass

from tracker.ledger import Side
from tracker.models import Pair, Person
from tracker.wording import N_, Reader, first_name


def initials(name: str) -> str:
    """Return one or two letters that stand for the person in a dot."""
    words = [word for word in name.split() if word[0].isalnum()] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who reads about which pair: `side` is the reader's own, None for HR."""

    reader: Reader
    pair: Pair
    side: Side | None

    @property
    def partner(self) -> str:
        """Return the first name of the other one, for one of the two."""
        return self.name(Side.MENTEE if self.side is Side.MENTOR else Side.MENTOR)

    def person(self, side: Side) -> Person:
        """Return who is on that side."""
        return self.pair.mentor if side is Side.MENTOR else self.pair.mentee

    def name(self, side: Side) -> str:
        """Return the first name of that side; the whole name where both share the first."""
        names = [first_name(self.pair.mentor.name), first_name(self.pair.mentee.name)]
        return self.person(side).name if names[0] == names[1] else first_name(self.person(side).name)

    def calendar(self, side: Side) -> str:
        """Return "your calendar" or "Ana's calendar"."""
        if side is self.side:
            return self.reader.say(N_("your calendar"))
        return self.reader.say(N_("%(name)s's calendar"), name=self.name(side))

    def calendars(self, sides: Collection[Side]) -> str:
        """Return whose calendars told something."""
        if len(sides) == 2:
            return self.reader.say(N_("both calendars"))
        return " ".join(self.calendar(side) for side in sides)

    def absent(self, sides: Collection[Side]) -> str:
        """Return who was not there, as a sentence; empty where nobody is named."""
        if len(sides) == 2:
            return self.reader.say(N_("Neither of the two was there."))
        if self.side and self.side in sides:
            return self.reader.say(N_("You were not there."))
        return " ".join(
            self.reader.say(N_("%(name)s was not there."), name=self.name(side)) for side in sides
        )

    def called_off(self, sides: Collection[Side]) -> str:
        """Return who cancelled or declined, as a sentence; empty where nobody is named."""
        if len(sides) == 2:
            return self.reader.say(N_("Both called it off."))
        if self.side and self.side in sides:
            return self.reader.say(N_("You called it off."))
        return " ".join(
            self.reader.say(N_("%(name)s called it off."), name=self.name(side)) for side in sides
        )

    def both(self) -> str:
        """Return who the page is about: "You and Luis", or the names of the two."""
        if self.side:
            return self.reader.both(self.reader.say(N_("You")), self.person(_other(self.side)).name)
        return self.reader.both(self.pair.mentor.name, self.pair.mentee.name)

    def partner_role(self) -> str:
        """Return what the other one is to the reader."""
        role = (
            N_("%(name)s is your mentor.") if self.side is Side.MENTEE else N_("You are %(name)s's mentor.")
        )
        return self.reader.say(role, name=self.partner)


def _other(side: Side) -> Side:
    return Side.MENTEE if side is Side.MENTOR else Side.MENTOR
