"""What a mark is called, by whoever looks at it. The shape stays; the words fit the reader."""

from collections.abc import Collection
from dataclasses import dataclass

from tracker.services.beats import Beat
from tracker.wording import N_, Mark, Reader

# The two read "you see it differently"; of others, one says it in the third person.
_FROM_OUTSIDE = {"disputed": N_("Seen differently")}


@dataclass(frozen=True, slots=True)
class Names:
    """Names marks for one reader; `waiting` are the sessions (`s-4`) that wait for this reader's answer."""

    reader: Reader
    outside: bool
    waiting: Collection[str] = ()

    def of(self, mark: Mark) -> str:
        """Return the word for a mark by itself, as a legend has it."""
        word = _FROM_OUTSIDE.get(mark.name, mark.word) if self.outside else mark.word
        return self.reader.say(word)

    def of_beat(self, beat: Beat) -> str:
        """Return the word for a period."""
        if beat.mark.name == "awaiting" and any(key in self.waiting for key in beat.period.sessions):
            return self.reader.say(N_("Waiting for your answer"))
        return self.of(beat.mark)
