"""What the administrator granted to the service account, found by asking for one scope after the other.

Google tells only whether a token for a scope is to be had; nothing is read with it.
"""

from integrations.google.access import Delegation
from integrations.google.scopes import BROAD, LADDERS
from tracker.ports import Rights


def rights_of(delegation: Delegation, person: str) -> Rights:
    """Return what is used of what was granted, what is lacking, and what is more than needed.

    Raises ConnectorError where Google answers anything but yes or no.
    """
    asked = dict.fromkeys([scope for ladder in LADDERS for scope in ladder] + list(BROAD))
    granted = {scope for scope in asked if delegation.grants(person, scope)}
    used = [next((scope for scope in ladder if scope in granted), None) for ladder in LADDERS]
    needed = {scope for scope in used if scope}
    missing = {ladder[0] for ladder, scope in zip(LADDERS, used, strict=True) if scope is None}
    return Rights(tuple(sorted(needed)), tuple(sorted(missing)), tuple(sorted(granted - needed)))
