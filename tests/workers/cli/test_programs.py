"""`cadencia programs`: see and change the rules of a program."""

import json

from tests.workers.cli.shell import Shell


def test_rules_are_seen_and_changed(office: Shell) -> None:
    (before,) = (json.loads(line) for line in office.run("programs", "list").stdout.splitlines())
    name = str(before["program"])
    assert before["absences"] is False
    said = office.run("programs", "set", name.upper(), "--absences", "--set", "grace_days=10").stderr
    assert said == "Changed: reads_absences, policy.\n"
    (after,) = (json.loads(line) for line in office.run("programs", "list").stdout.splitlines())
    assert (after["absences"], after["grace_days"]) == (True, 10)
    assert "Nothing to change" in office.run("programs", "set", name, "--absences").stderr


def test_wrong_use_is_told(office: Shell) -> None:
    assert "There is no program" in office.run("programs", "set", "Nowhere", "--absences", status=1).stderr
    name = json.loads(office.run("programs", "list").stdout.splitlines()[0])["program"]
    assert "grace_days" in office.run("programs", "set", name, "--set", "grace=1", status=2).stderr
