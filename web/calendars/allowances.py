"""What owners allowed for their calendars, and what else they could. Asks nobody for anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tracker.ports import Consents, Want
from tracker.services.consents import allowed
from tracker.services.own_calendars import OwnCalendar

# What can be asked for in one step, by the name that its button has.
MORE: Mapping[str, frozenset[Want]] = {
    "dates": frozenset({Want.WRITE, Want.FREE_BUSY}),
    "attendance": frozenset({Want.ATTENDANCE}),
}
_SHOWN = (Want.READ, Want.FREE_BUSY, Want.WRITE, Want.ATTENDANCE)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One calendar's: what we may do there, what is spoken of at all, and the steps that are offered."""

    may: frozenset[Want]
    shown: tuple[Want, ...]
    more: tuple[str, ...]

    @property
    def is_more_than_reading(self) -> bool:
        """Tell whether there is something to take back."""
        return Want.WRITE in self.may or Want.ATTENDANCE in self.may


def allowances_of(
    consents: Consents, calendars: Sequence[OwnCalendar], *, attendance: bool
) -> dict[int, Allowance]:
    """Return the allowances by calendar, of those that are read by their owner's own consent.

    `attendance`: a program of the owner's asks who was in online meetings; to others that is no matter. A
    consent that is over is to be given again first.
    """
    return {
        own.row.id: _allowance(allowed(consents, own.consent), MORE if attendance else ("dates",))
        for own in calendars
        if own.consent is not None and own.is_connected and own.problem != "reconnect"
        if consents.open(own.row.provider) is not None
    }


def _allowance(may: frozenset[Want], steps: Iterable[str]) -> Allowance:
    spoken_of = may.union({Want.READ}, *(MORE[name] for name in steps))
    return Allowance(
        may=may,
        shown=tuple(want for want in _SHOWN if want in spoken_of),
        more=tuple(name for name in steps if not MORE[name] <= may),
    )
