"""What both kinds of backup share: the outcome of a restore, and which versions can be taken."""

from dataclasses import dataclass

from tracker.errors import BadInput
from tracker.services import schema


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: `revision` is the backup's, `held` counts mails, `aside` tells where the old one is."""

    revision: str
    held: int
    aside: str | None


def require_known(revision: str | None, source: object) -> str:
    """Return the backup's revision, or raise BadInput where it is none of ours or too new."""
    if revision is None:
        raise BadInput(f"{source} holds no data of Cadencia.")
    if not schema.is_known(revision):
        raise BadInput(f"{source} is of a newer version of Cadencia. Install that one, then restore.")
    return revision
