"""What is left of an invitation before it is stored: times, states, those of us who are on it, and the tag.

Title, description, place, attachments and everybody else's names and addresses end here.
"""

from dataclasses import replace
from hashlib import sha256

from integrations.ical.lines import Property, normalise, parse_line, split_list
from integrations.mailbox.mime import address_of
from tracker.incoming import CalendarMail, Method
from tracker.tags import Entry, TagRules

TAGGED = "SUMMARY:#mentoring"
_AS_THEY_ARE = frozenset({
    "CONFERENCE", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DURATION", "EXDATE", "EXRULE", "LAST-MODIFIED",
    "RDATE", "RECURRENCE-ID", "RRULE", "SEQUENCE", "STATUS", "UID", "X-CADENCIA",
    "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL",
})  # fmt: skip
_OF_CALENDAR = frozenset({"METHOD", "X-WR-TIMEZONE"})
_OF_ZONE = frozenset({
    "DTSTART", "RDATE", "RRULE", "TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-LIC-LOCATION",
})  # fmt: skip
# What an answer says of a series it says of each occurrence: it does not repeat the series.
_NOT_IN_REPLIES = frozenset({"EXDATE", "EXRULE", "RDATE", "RRULE"})
_KEPT_PARAMS = ("TZID", "VALUE", "RANGE", "PARTSTAT", "CUTYPE")
_COMPONENTS = frozenset({"VCALENDAR", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VEVENT"})


def trim(mail: CalendarMail, ours: frozenset[str], rules: TagRules) -> str | None:
    """Return the calendar object with what may be stored; None where no rule makes it a session."""
    dropped = _NOT_IN_REPLIES if mail.method is Method.REPLY else frozenset[str]()
    trimming = _Trimming(ours | rules.program_addresses, dropped)
    for line in normalise(mail.calendar).split(b"\n"):
        if (p := parse_line(line)) is not None:
            trimming.take(p)
    words = Entry(title="\n".join(trimming.titles), categories=tuple(trimming.categories))
    whole = replace(words, addresses=mail.people, reference=trimming.reference)
    if mail.method is Method.REQUEST and rules.match(whole) is None:
        return None
    return trimming.text(is_marked=rules.match(words) is not None)


class _Trimming:
    """Walks through one calendar object and keeps what may be kept."""

    def __init__(self, known: frozenset[str], dropped: frozenset[str]) -> None:
        self.titles: list[str] = []
        self.categories: list[str] = []
        self.reference: str | None = None
        self._known = known
        self._dropped = dropped
        self._within: list[str] = []
        self._lines: list[str] = []
        self._stamps: dict[str, str] = {}

    def take(self, p: Property) -> None:
        """Look at the next line."""
        if p.name == "BEGIN":
            self._within.append(p.value.strip().upper())
        here = self._within[-1] if self._within else ""
        if all(component in _COMPONENTS for component in self._within):
            self._lines += self._left_of(p, here)
        if p.name == "END" and self._within:
            self._within.pop()

    def text(self, *, is_marked: bool) -> str:
        """Return what is left; each entry carries the tag where any of them did."""
        tag = [TAGGED] if is_marked else []
        lines = [part for line in self._lines for part in (line, *(tag if line == "BEGIN:VEVENT" else ()))]
        return "\r\n".join(lines) + "\r\n"

    def _left_of(self, p: Property, here: str) -> list[str]:
        if p.name in ("BEGIN", "END"):
            return [*self._dated(p, here), f"{p.name}:{p.value.strip().upper()}"]
        if here == "VEVENT":
            return self._left_of_event(p)
        return [_line(p)] if p.name in (_OF_CALENDAR if here == "VCALENDAR" else _OF_ZONE) else []

    def _left_of_event(self, p: Property) -> list[str]:
        if p.name == "SUMMARY":
            self.titles.append(p.text)
        elif p.name == "CATEGORIES":
            self.categories += split_list(p.value)
        elif p.name in ("ORGANIZER", "ATTENDEE"):
            return self._person(p)
        elif p.name in _AS_THEY_ARE - self._dropped:
            self._stamps[p.name] = p.value.strip()
            if p.name == "X-CADENCIA":
                self.reference = self.reference or p.text.strip()
            return [_line(p)]
        return []

    def _dated(self, p: Property, here: str) -> list[str]:
        """Return when the entry was changed, where only the message says when it was written."""
        if here != "VEVENT":
            return []
        if p.name == "BEGIN":
            self._stamps = {}
        elif "LAST-MODIFIED" not in self._stamps and (stamp := self._stamps.get("DTSTAMP")):
            return [f"LAST-MODIFIED:{stamp}"]
        return []

    def _person(self, p: Property) -> list[str]:
        address = address_of(p)
        if address in self._known:
            return [_line(Property(p.name, f"mailto:{address}", p.params))]
        # An organiser who is none of ours is still somebody, and always the same one.
        hidden = sha256(address.encode()).hexdigest()[:32]
        return [f"ORGANIZER:mailto:{hidden}@invalid"] if p.name == "ORGANIZER" else []


def _line(p: Property) -> str:
    params = "".join(f';{n}="{p.params[n]}"' for n in _KEPT_PARAMS if p.params.get(n))
    return f"{p.name}{params}:{p.value.strip()}"
