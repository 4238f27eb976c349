"""`cadencia people link`: lets a person in where no mail arrives yet."""

from sqlalchemy import select

from integrations.registry import open_ports
from tests.workers.cli.shell import Shell
from tracker.models import AuditEntry
from tracker.services.signin import read_link
from tracker.settings import load_settings


def test_the_link_signs_that_person_in_and_is_noted(office: Shell) -> None:
    link = office.run("people", "link", "Ana@x.com").stdout
    ports = open_ports(load_settings())
    with ports.store.read() as db:
        token = link.strip().removeprefix(f"{ports.settings.base_url}/sign-in/")
        assert read_link(db, ports.settings, token, ports.clock.now()).email == "ana@x.com"
        noted = db.scalars(select(AuditEntry).where(AuditEntry.act == "person.link_handed")).one()
        assert (noted.via, noted.subject) == ("command", "person:1")
    ports.store.close()


def test_an_address_that_nobody_has_is_refused(office: Shell) -> None:
    assert "Nobody has" in office.run("people", "link", "x@x.com", status=1).stderr
