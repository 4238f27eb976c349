"""Whoever holds a token, and what it is good for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tests.fakes.graph.mailbox import Refused

READING = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
WRITING = frozenset({"Calendars.ReadWrite"})
MEETINGS = frozenset({"OnlineMeetings.Read", "OnlineMeetings.Read.All"})
REPORTS = frozenset({"OnlineMeetingArtifact.Read.All"})


@dataclass(frozen=True, slots=True)
class Holder:
    """The application (`owner` None) or a person. An application without roles is one that RBAC limits."""

    owner: str | None
    rights: frozenset[str]

    def need(self, any_of: frozenset[str]) -> None:
        """Refuse whoever has none of these rights."""
        is_rbac = self.owner is None and not self.rights
        if not is_rbac and self.rights.isdisjoint(any_of):
            raise Refused(403, "ErrorAccessDenied")


def object_id(owner: str) -> str:
    """Return the directory's id of somebody."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{owner}"))
