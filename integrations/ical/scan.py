"""The fast way through a feed: its structure, and the few entries that can be sessions, the rest unparsed.

It looks at the unfolded bytes. It may pick an entry that turns out to be untagged; it never leaves out one
that the rules match, nor an entry with the same UID as one that it picked.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from integrations.ical.lines import Property, normalise, parse_line, to_text, unescape
from integrations.ical.zones import OwnZone, Zone, Zones, world_zone
from tracker.errors import BadPayload
from tracker.tags import TagRules, fold

MOST_EVENTS = 250_000
_MARK = re.compile(rb"\n[ \t]*(begin|end)[ \t]*:[ \t]*([^\r\n]*)")
_LABEL = re.compile(rb"\n[ \t]*(?:summary|categories)[ \t]*[;:]([^\n]*)")
_UID = re.compile(rb"\n[ \t]*uid[ \t]*[;:][^\n]*")
_HEADER = re.compile(rb"\n[ \t]*(?:method|x-wr-timezone)[ \t]*[;:][^\n]*")
_REFERENCE = re.compile(rb"\n[ \t]*x-cadencia[ \t]*[;:]")
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
            head = line[:8].lstrip().upper()
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
    """Follows BEGIN and END through a file."""

    def __init__(self, buffer: bytes, lower: bytes) -> None:
        self.outside = Section()
        self.result = Feed(buffer, lower, [self.outside], [])
        self.open: list[tuple[bytes, int]] = []
        self.sections = [self.outside]
        self.event: int | None = None
        self.zones: list[tuple[int, int, Section]] = []
        self.is_calendar = False

    def feed(self) -> Feed:
        """Return the structure."""
        for mark in _MARK.finditer(self.result.lower):
            name = mark[2].rstrip()
            if mark[1] == b"begin":
                self._begin(name, mark.start())
            else:
                self._end(name, mark.start(), mark.end())
            if len(self.result.blocks) > MOST_EVENTS or len(self.open) > 50:
                raise BadPayload("This calendar is too large to be one person's.", code="too_large")
        if not self.is_calendar:
            raise BadPayload("This is not a calendar: there is no VCALENDAR in it.")
        if any(name in (b"vcalendar", b"vevent") for name, _ in self.open):
            raise BadPayload("This calendar is cut off: its end is missing.", code="cut_off")
        _add_zones(self.result, self.zones)
        return self.result

    def _begin(self, name: bytes, at: int) -> None:
        if name == b"vevent":
            self._drop_unclosed_event(at)
            self.event = at
            self.is_calendar = True
        elif name == b"vcalendar":
            self._drop_unclosed_event(at)
            self.is_calendar = True
            self.sections.append(Section(at))
            self.result.sections.append(self.sections[-1])
        self.open.append((name, at))

    def _end(self, name: bytes, at: int, after: int) -> None:
        depth = next((n for n in range(len(self.open) - 1, -1, -1) if self.open[n][0] == name), None)
        if depth is None or (
            self.event is not None and self.open[depth][1] < self.event and name != b"vcalendar"
        ):
            return
        if name == b"vevent" and self.event is not None:
            self.result.blocks.append(Block(self.event, at, self.sections[-1]))
            self.event = None
        elif name == b"vtimezone":
            self.zones.append((self.open[depth][1], after, self.sections[-1]))
        elif name == b"vcalendar":
            self._drop_unclosed_event(at)
            self.sections.pop()
        del self.open[depth:]

    def _drop_unclosed_event(self, at: int) -> None:
        if self.event is None:
            return
        self.result.blocks.append(Block(self.event, at, self.sections[-1], closed=False))
        while self.open.pop()[0] != b"vevent":
            pass
        self.event = None


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
    marks = [
        (m.start(), parse_line(feed.buffer[m.start() + 1 : m.end()])) for m in _HEADER.finditer(feed.lower)
    ]
    begins = [s.start for s in feed.sections[1:]]
    for at, found in marks:
        if found is None or _block_at(feed, starts, at) is not None:
            continue
        section = feed.sections[bisect_right(begins, at)]
        if found.name == "METHOD":
            section.method = found.value.strip().upper()
        else:
            section.zone = section.zone or world_zone(found.text.strip())
    for section in feed.sections:
        section.zones = Zones(section.own_zones, section.zone or default)


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
    words = [fold(m) for m in {*rules.titles, *rules.categories}]
    # What is left of a marker between blanks and what TEXT escapes stands in the line as it is.
    pieces = {max(re.split(r"[\s,;\\]+", w), key=len) for w in words if w.isascii()}
    plain = re.compile(b"|".join(re.escape(p.encode()) for p in sorted(pieces)))
    for label in _LABEL.finditer(feed.lower):
        line = label[1]
        if line.isascii() and b"\\" not in line:
            if plain.search(line):
                yield label.start()
        elif _may_match(to_text(feed.buffer[label.start(1) : label.end(1)]), words):
            yield label.start()
    for found in _REFERENCE.finditer(feed.lower):
        yield found.start()
    for address in _addresses(rules):
        yield from _finds(feed.lower, address.encode())


def _may_match(line: str, words: list[str]) -> bool:
    text = fold(unescape(line))
    return any(w in text for w in words)


def _finds(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle) if needle else -1
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def add_families(feed: Feed, picked: set[int]) -> dict[str, list[int]]:
    """Return the picked entries by UID, each with every other entry of the same UID, in the file's order.

    An entry without UID is a family of its own, under its place.
    """
    starts = [b.start for b in feed.blocks]
    uids: dict[int, list[str]] = {}
    for found in _UID.finditer(feed.lower):
        n = _block_at(feed, starts, found.start())
        if n is not None:
            uids.setdefault(n, []).append(_uid_on(feed.buffer[found.start() + 1 : found.end()]))
    wanted = {uid for n in picked for uid in uids.get(n, [])}
    families: dict[str, list[int]] = {}
    for n in range(len(feed.blocks)):
        if n in picked or wanted.intersection(uids.get(n, ())):
            families.setdefault(own_uid(feed, feed.blocks[n]) or f"\0{n}", []).append(n)
    return families


def _uid_on(line: bytes) -> str:
    if line[:4].upper() == b"UID:" and line.isascii() and b"\\" not in line:
        return line[4:].decode().strip()
    p = parse_line(line)
    return p.text.strip() if p else ""


def own_uid(feed: Feed, block: Block) -> str:
    """Return the UID of an entry, not that of an alarm in it."""
    for line in feed.lines_of(block):
        if line[:16].lstrip()[:3].lower() == b"uid" and (p := parse_line(line)) and p.name == "UID":
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
        wanted -= (
            re.fullmatch(rb"(?:\xef\xbb\xbf)?[ \t]*begin[ \t]*:[ \t]*vevent\s*", logical.lower()) is not None
        )
        if wanted == 0:
            break
        begin, logical = number, line.rstrip(b"\r")
    return begin
