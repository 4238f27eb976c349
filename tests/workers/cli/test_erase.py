"""`cadencia people erase`: asks first, and says what it can not reach."""

from tests.workers.cli.shell import Shell


def test_a_person_is_erased_when_somebody_means_it(office: Shell) -> None:
    office.run("people", "erase", "luis@x.com", stdin="n\n", status=130)
    said = office.run("people", "erase", "Luis@x.com", stdin="y\n").output
    assert "1 pairs ended, 1 calendars" in said
    assert "Backups" in said
    office.run("people", "erase", "luis@x.com", "--yes", status=1)
    assert "luis@x.com" not in office.run("evidence", "export").output


def test_nobody_of_that_address(office: Shell) -> None:
    assert "Nobody has" in office.run("people", "erase", "x@x.com", "--yes", status=1).output
