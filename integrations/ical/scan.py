"""The fast way through a feed: its structure, and the few entries that can be sessions, the rest unparsed.

It looks at the unfolded bytes. It may pick an entry that turns out to be untagged; it never leaves out one
that the rules match, nor an entry with the same UID as one that it picked.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from integrations.ical.lines import Property, normalise, parse_line, to_text
from integrations.ical.zones import OwnZone, Zone, Zones, world_zone
from tracker.errors import BadPayload
from tracker.references import UID_END
from tracker.tags import TagRules, fold, fold_letters

MOST_EVENTS = 250_000
_NAMES = rb"[ \t]*:[ \t]*(?:(vevent)|(vcalendar)|(vtimezone))"
_MARK = re.compile(rb"\n(?:begin" + _NAMES + rb"|end" + _NAMES + rb")(?=[ \t]*(?:[\r\n]|$))")
_LABEL = re.compile(rb"\n(?:summary|categories)[ \t]*[;:]([^\n]*)")
_BEGIN_EVENT = re.compile(rb"(?:\xef\xbb\xbf)?begin[ \t]*:[ \t]*vevent\s*")
_UID = re.compile(rb"\nuid[ \t]*([;:])([^\n]*)")
# The one letter beyond ASCII whose lower case is in it (the Kelvin sign).
_KELVIN = "\u212a".encode()


@dataclass(slots=True)
class Section:
    """One VCALENDAR: what holds for all entries in it."""

    start: int = 0
    method: str = ""
    zone: Zone | None = None
    own_zones: dict[str, OwnZone] = field(default_factory=dict)
    zones: Zones | None = None


@dataclass(slots=True)
class Block:
    """One VEVENT in the unfolded bytes: [start, end), its section, and whether its END was there."""

    start: int
    end: int
    section: Section
    closed: bool = True


@dataclass(slots=True)
class Feed:
    """A whole file: unfolded bytes, sections, and where its VEVENTs are."""

    buffer: bytes
    lower: bytes
    sections: list[Section]
    blocks: list[Block]

    def lines_of(self, block: Block) -> Iterator[bytes]:
        """Yield the logical lines of one entry, without those of components inside it such as alarms."""
        depth = 0
        for line in self.buffer[block.start : block.end].split(b"\n")[2:]:
            head = line[:8].upper()
            if head.startswith((b"BEGIN:", b"BEGIN ", b"BEGIN\t")):
                depth += 1
            elif head.startswith((b"END:", b"END ", b"END\t")):
                depth = max(0, depth - 1)
            elif depth == 0:
                yield line


def open_feed(data: bytes, default: Zone) -> Feed:
    """Return the structure of a file. Raises BadPayload for what is no calendar, or a calendar cut short."""
    buffer = normalise(data)
    lower = buffer.lower()
    if not lower.lstrip().startswith(b"begin"):
        raise BadPayload("This is not a calendar: it does not begin as one. Is it a sign-in page?")
    feed = _Walk(buffer, lower).feed()
    _read_headers(feed, default)
    return feed


class _Walk:
    """Follows BEGIN and END of the components that matter; what else there is does not count."""

    def __init__(self, buffer: bytes, lower: bytes) -> None:
        self.result = Feed(buffer, lower, [Section()], [])
        self.sections = [self.result.sections[0]]
        self.event: int | None = None
        self.zone: int | None = None
        self.zones: list[tuple[int, int, Section]] = []

    def feed(self) -> Feed:
        """Return the structure."""
        for mark in _MARK.finditer(self.result.lower):
            _STEPS[mark.lastindex or 0](self, mark.start())
        if len(self.sections) > 1 or self.event is not None:
            raise BadPayload("This calendar is cut off: its end is missing.", code="cut_off")
        if len(self.result.sections) == 1 and not self.result.blocks:
            raise BadPayload("This is not a calendar: there is no VCALENDAR in it.")
        if len(self.result.blocks) > MOST_EVENTS:
            raise BadPayload("This calendar is too large to be one person's.", code="too_large")
        _add_zones(self.result, self.zones)
        return self.result

    def begin_event(self, at: int) -> None:
        """An entry begins; one that is still open has lost its end."""
        self._leave_event(at)
        self.event = at

    def end_event(self, at: int) -> None:
        """An entry ends."""
        if self.event is not None:
            self.result.blocks.append(Block(self.event, at, self.sections[-1]))
            self.event = None

    def begin_zone(self, at: int) -> None:
        """The description of a zone begins."""
        self.zone = at

    def end_zone(self, at: int) -> None:
        """The description of a zone ends."""
        if self.zone is not None:
            self.zones.append((self.zone, at, self.sections[-1]))
            self.zone = None

    def begin_calendar(self, at: int) -> None:
        """A calendar begins."""
        self._leave_event(at)
        self.sections.append(Section(at))
        self.result.sections.append(self.sections[-1])

    def end_calendar(self, at: int) -> None:
        """A calendar ends."""
        self._leave_event(at)
        if len(self.sections) > 1:
            self.sections.pop()

    def _leave_event(self, at: int) -> None:
        if self.event is not None:
            self.result.blocks.append(Block(self.event, at, self.sections[-1], closed=False))
            self.event = None


# In the order of the groups of _MARK, which count from 1.
_STEPS: tuple[Callable[[_Walk, int], None], ...] = (
    _Walk.begin_event, _Walk.begin_event, _Walk.begin_calendar, _Walk.begin_zone,
    _Walk.end_event, _Walk.end_calendar, _Walk.end_zone,
)  # fmt: skip


def _add_zones(feed: Feed, spans: list[tuple[int, int, Section]]) -> None:
    shared: dict[str, OwnZone] = {}
    for start, end, section in spans[:2000]:
        own, observances = _read_zone(feed.buffer[start:end].split(b"\n")[2:])
        name = next((p.value.strip() for p in own if p.name == "TZID"), "")
        zone = OwnZone(own, observances)
        shared.setdefault(name, zone)
        section.own_zones[name] = zone
    for section in feed.sections:
        section.own_zones = {**shared, **section.own_zones}


def _read_zone(lines: Iterable[bytes]) -> tuple[list[Property], list[list[Property]]]:
    own: list[Property] = []
    observances: list[list[Property]] = []
    here = own
    for line in lines:
        p = parse_line(line)
        if p is None or p.name == "END":
            here = own if p else here
        elif p.name == "BEGIN":
            here = []
            observances.append(here)
        else:
            here.append(p)
    return own, observances


def _read_headers(feed: Feed, default: Zone) -> None:
    starts = [b.start for b in feed.blocks]
    begins = [s.start for s in feed.sections[1:]]
    for name in (b"method", b"x-wr-timezone"):
        for at in _lines_named(feed.lower, name):
            found = parse_line(feed.buffer[at : feed.buffer.find(b"\n", at)])
            if found is None or _block_at(feed, starts, at) is not None:
                continue
            section = feed.sections[bisect_right(begins, at)]
            if found.name == "METHOD":
                section.method = found.value.strip().upper()
            elif found.name == "X-WR-TIMEZONE":
                section.zone = section.zone or world_zone(found.text.strip())
    for section in feed.sections:
        section.zones = Zones(section.own_zones, section.zone or default)


def _lines_named(lower: bytes, name: bytes) -> Iterator[int]:
    """Yield where lines begin whose name may be `name`."""
    for at in _finds(lower, b"\n" + name):
        yield at + 1


def _block_at(feed: Feed, starts: list[int], at: int) -> int | None:
    n = bisect_right(starts, at) - 1
    return n if n >= 0 and at < feed.blocks[n].end else None


def pick_blocks(feed: Feed, rules: TagRules) -> set[int]:
    """Return which entries can be sessions by themselves, as places in `feed.blocks`."""
    if rules.keep_untagged or _needs_all(feed, rules):
        return set(range(len(feed.blocks)))
    starts = [b.start for b in feed.blocks]
    hits = (_block_at(feed, starts, at) for at in _hits(feed, rules))
    return {n for n in hits if n is not None}


def _needs_all(feed: Feed, rules: TagRules) -> bool:
    """Tell whether addresses are looked for that bytes in lower case cannot show."""
    addresses = _addresses(rules)
    odd = any(not a.isascii() or "^" in a or "\\" in a or '"' in a for a in addresses)
    return odd or (bool(addresses) and _KELVIN in feed.buffer)


def _addresses(rules: TagRules) -> set[str]:
    return {a for partner in rules.partners for a in partner} | rules.program_addresses


def _hits(feed: Feed, rules: TagRules) -> Iterator[int]:
    words = {fold(m) for m in {*rules.titles, *rules.categories}}
    yield from _label_hits(feed, words)
    yield from _lines_named(feed.lower, b"x-cadencia")
    yield from _finds(feed.lower, UID_END.encode())
    for address in _addresses(rules):
        yield from _finds(feed.lower, address.encode())


def _label_hits(feed: Feed, words: set[str]) -> Iterator[int]:
    """Yield where titles and categories are that may hold one of `words`."""
    # What is left of a marker between blanks and what TEXT escapes stands in a plain line as it is.
    pieces = {max(re.split(r"[\s,;\\]+", w), key=len) for w in words if w.isascii()}
    plain = re.compile(b"|".join(re.escape(p.encode()) for p in sorted(pieces)))
    others: list[tuple[int, bytes]] = []
    for label in _LABEL.finditer(feed.lower):
        line = label[1]
        if not line.isascii() or b"\\" in line:
            others.append((label.start(), line))
        elif plain.search(line):
            yield label.start()
    yield from _folded_hits(others, words)


def _folded_hits(lines: list[tuple[int, bytes]], words: set[str]) -> Iterator[int]:
    """Yield the places of the lines that hold one of `words` once they are folded, all in one go."""
    text = _as_text([line for _, line in lines])
    if "\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
    blanks = (re.escape(w).replace(r"\ ", r"[^\S\n]+") for w in sorted(words))
    folded = fold_letters(text)
    number, seen = 0, 0
    for found in re.finditer("|".join(blanks), folded):
        number += folded.count("\n", seen, found.start())
        seen = found.start()
        yield lines[number][0]


_ESCAPED = re.compile(r"\\(.)")


def _unescaped(found: re.Match[str]) -> str:
    return " " if found[1] in "nN" else found[1]


def _as_text(lines: list[bytes]) -> str:
    try:
        return b"\n".join(lines).decode()
    except UnicodeDecodeError:
        return "\n".join(map(to_text, lines))


def _finds(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle) if needle else -1
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def add_families(feed: Feed, picked: set[int]) -> dict[str, list[int]]:
    """Return the picked entries by UID, each with every other entry of the same UID, in the file's order.

    An entry without UID is a family of its own, under its place.
    """
    uids = {n: own_uid(feed, feed.blocks[n]) for n in picked}
    wanted = set(uids.values()) - {""}
    if wanted and len(picked) < len(feed.blocks):
        starts = [b.start for b in feed.blocks]
        for at in _uid_lines(feed, wanted):
            n = _block_at(feed, starts, at)
            if n is not None and n not in uids and (uid := own_uid(feed, feed.blocks[n])) in wanted:
                uids[n] = uid
    families: dict[str, list[int]] = {}
    for n in sorted(uids):
        families.setdefault(uids[n] or f"\0{n}", []).append(n)
    return families


def _uid_lines(feed: Feed, wanted: set[str]) -> Iterator[int]:
    """Yield where lines are that may hold one of these UIDs."""
    plain = {uid.encode().lower() for uid in wanted}
    for found in _UID.finditer(feed.lower):
        value = found[2].strip()
        if value in plain or found[1] == b";" or b"\\" in value or not value.isascii():
            yield found.start()


def own_uid(feed: Feed, block: Block) -> str:
    """Return the UID of an entry, not that of an alarm in it."""
    for line in feed.lines_of(block):
        if line[:3].lower() == b"uid" and (p := parse_line(line)) and p.name == "UID":
            return p.text.strip()
    return ""


def line_number(data: bytes, feed: Feed, block: Block) -> int:
    """Return the line of the file on which an entry begins, counted from 1, folds and all."""
    wanted = 1 + sum(b.start < block.start for b in feed.blocks)
    newline = b"\n" if b"\n" in data else b"\r"
    begin, logical = 0, b""
    for number, line in enumerate([*data.replace(b"\0", b"").split(newline), b""], 1):
        if line[:1] in (b" ", b"\t"):
            logical += line[1:].rstrip(b"\r")
            continue
        wanted -= _BEGIN_EVENT.fullmatch(logical.lower()) is not None
        if wanted == 0:
            break
        begin, logical = number, line.rstrip(b"\r")
    return begin
