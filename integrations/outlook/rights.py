"""What the application was granted in all of the company, against what Cadencia has a use for.

An access token is read here only to tell the administrator; nothing is decided by it.
"""

import base64
import binascii

import msgspec

from tracker.ports import Rights, Want

_READS = frozenset({"Calendars.Read"})
_WRITES = frozenset({"Calendars.ReadWrite"})
_ATTENDS = frozenset({"OnlineMeetings.Read.All", "OnlineMeetingArtifact.Read.All"})
EVERYTHING = frozenset(Want)


class _Claims(msgspec.Struct):
    roles: tuple[str, ...] = ()


def rights_in(token: str, uses: frozenset[Want] = EVERYTHING) -> Rights:
    """Return what the token's `roles` amount to for an installation that makes these uses of calendars.

    No roles at all are best: RBAC for Applications gives the rights then, to chosen mailboxes, and they are
    in no token. So a calendar right that is not named is not thereby missing. Half of what the records of
    meetings need is of no use without the other half.
    """
    roles = frozenset(_claims(token).roles)
    used = roles & _READS
    if Want.WRITE in uses:
        used |= roles & _WRITES
    missing: frozenset[str] = frozenset()
    if Want.ATTENDANCE in uses and roles & _ATTENDS:
        used |= roles & _ATTENDS
        missing = _ATTENDS - roles
    return Rights(tuple(sorted(used)), tuple(sorted(missing)), tuple(sorted(roles - used)))


def _claims(token: str) -> _Claims:
    try:
        payload = token.split(".")[1]
        return msgspec.json.decode(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims
        )
    except (IndexError, binascii.Error, msgspec.DecodeError):
        return _Claims()
