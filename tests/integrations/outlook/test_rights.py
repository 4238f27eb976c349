"""What the administrator is told of the application's rights."""

from __future__ import annotations

import pytest

from integrations.outlook.rights import rights_in
from integrations.providers import find_rights
from tests.fakes.graph import FakeGraph
from tests.integrations.outlook.conftest import ANA
from tracker.errors import ConnectorError
from tracker.ports import Rights, Want

READ, WRITE = "Calendars.Read", "Calendars.ReadWrite"
MEETINGS, REPORTS = "OnlineMeetings.Read.All", "OnlineMeetingArtifact.Read.All"


def find(graph: FakeGraph, *roles: str) -> Rights | None:
    graph.desk.roles = roles
    return find_rights("outlook", ANA, graph.settings())


@pytest.mark.parametrize(("roles", "rights"), [
    ((), Rights()),
    ((READ,), Rights(needed=(READ,))),
    ((WRITE, MEETINGS, REPORTS), Rights(needed=(WRITE, REPORTS, MEETINGS))),
    ((READ, "Mail.Read", "Files.Read.All"), Rights((READ,), excess=("Files.Read.All", "Mail.Read"))),
    ((READ, MEETINGS), Rights(needed=(READ, MEETINGS), missing=(REPORTS,))),
    (("Files.Read.All",), Rights(excess=("Files.Read.All",))),
])  # fmt: skip
def test_rights_are_weighed_against_their_use(
    graph: FakeGraph, roles: tuple[str, ...], rights: Rights
) -> None:
    assert find(graph, *roles) == rights


def test_writing_is_too_much_for_whoever_only_reads(graph: FakeGraph) -> None:
    graph.desk.roles = (READ, WRITE, MEETINGS)
    find_rights("outlook", ANA, graph.settings())
    (token,) = graph.desk.issued
    assert rights_in(token, frozenset({Want.READ})) == Rights(needed=(READ,), excess=(WRITE, MEETINGS))


def test_application_that_is_refused_has_no_rights_to_tell(graph: FakeGraph) -> None:
    graph.desk.problem = (401, "invalid_client", 7000222)
    with pytest.raises(ConnectorError) as caught:
        find(graph)
    assert caught.value.code == "secret_expired"


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!!!.c"])
def test_token_that_tells_nothing_names_no_rights(token: str) -> None:
    assert rights_in(token) == Rights()
