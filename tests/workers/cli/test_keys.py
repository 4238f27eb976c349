"""New keys: put in front as a whole or not at all, while the site runs; nothing becomes unreadable."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from sqlalchemy import select

from integrations.registry import Ports, open_ports
from tests.workers.cli.shell import Shell
from tracker.models import AuditEntry, Calendar
from tracker.services import keyfile
from tracker.settings import Settings, load_settings
from workers.cli import keys as command


def keys_in(shell: Shell) -> tuple[str, ...]:
    return load_settings(folder=shell.folder).secret_keys


def file_of(shell: Shell) -> Path:
    return shell.folder / "cadencia.env"


def addresses(settings: Settings) -> list[str]:
    """All addresses, opened with the keys of `settings`."""
    ports = open_ports(settings)
    try:
        return opened_by(ports)
    finally:
        ports.store.close()


def opened_by(ports: Ports) -> list[str]:
    with ports.store.read() as db:
        rows = db.scalars(select(Calendar).order_by(Calendar.id))
        return [ports.vault.open(row.address, row.address_binding) for row in rows]


def test_a_rotation_puts_a_new_key_in_front_and_seals_with_it(office: Shell) -> None:
    (old,) = keys_in(office)
    before = addresses(load_settings())
    said = office.run("keys", "rotate")
    new, kept = keys_in(office)
    assert (kept, new == old) == (old, False)
    assert new not in said.output
    assert old not in said.output
    assert "Sealed anew: 2 values" in said.output
    assert addresses(Settings(database_url=load_settings().database_url, secret_keys=(new,))) == before
    with_ports = open_ports(load_settings())
    with with_ports.store.read() as db:
        assert "keys.resealed" in [entry.act for entry in db.scalars(select(AuditEntry))]
    with_ports.store.close()


def test_the_rest_of_the_file_and_its_mode_stay(office: Shell) -> None:
    path = file_of(office)
    before = path.read_text("utf-8").splitlines()
    path.chmod(0o600)
    office.run("keys", "rotate")
    after = path.read_text("utf-8").splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("CADENCIA_SECRET_KEYS=")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in office.folder.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("line", ['CADENCIA_SECRET_KEYS="{key}"', "export CADENCIA_SECRET_KEYS = '{key}'"])
def test_however_the_line_is_written(shell: Shell, line: str) -> None:
    shell.run("init")
    (key,) = keys_in(shell)
    file_of(shell).write_text(line.format(key=key) + "\n", "utf-8")
    shell.run("keys", "rotate")
    assert keys_in(shell)[1:] == (key,)


def test_a_site_that_runs_opens_what_was_sealed_meanwhile(office: Shell) -> None:
    running = open_ports(load_settings())
    try:
        before = opened_by(running)
        office.run("keys", "rotate")
        assert opened_by(running) == before
    finally:
        running.store.close()


def test_died_after_the_file_was_written_everything_opens_and_a_reseal_ends_it(
    office: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = addresses(load_settings())

    def die(_ports: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(command, "_reseal", die)
        office.run("keys", "rotate", status=130)
    new, _old = keys_in(office)
    assert addresses(load_settings()) == before
    office.run("keys", "reseal")
    assert addresses(Settings(database_url=load_settings().database_url, secret_keys=(new,))) == before


def test_died_before_the_file_was_written_nothing_changed(
    office: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file_of(office).read_bytes()

    def die(_path: Path, _key: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keyfile, "_check", die)
    office.run("keys", "rotate", status=130)
    assert file_of(office).read_bytes() == before
    assert [p.name for p in office.folder.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["CADENCIA_SECRET_KEYS", "CADENCIA_SECRET_KEYS_FILE"])
def test_keys_of_the_environment_are_not_ours_to_change(
    office: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (key,) = keys_in(office)
    before = file_of(office).read_bytes()
    office.write("key.txt", key)
    monkeypatch.setenv(name, key if name.endswith("KEYS") else "key.txt")
    said = office.run("keys", "rotate", status=2)
    assert "come from the environment" in said.output
    assert key not in said.output
    assert file_of(office).read_bytes() == before


def test_keys_of_another_file_are_not_ours_to_change(office: Shell) -> None:
    (key,) = keys_in(office)
    office.write("key.txt", key)
    file_of(office).write_text("CADENCIA_SECRET_KEYS_FILE=key.txt\n", "utf-8")
    assert "CADENCIA_SECRET_KEYS_FILE" in office.run("keys", "rotate", status=2).output


def test_without_a_settings_file_there_is_nothing_to_rotate(shell: Shell) -> None:
    assert "cadencia init" in shell.run("keys", "rotate", status=2).output


def test_two_rotations_at_once_are_one(office: Shell) -> None:
    before = file_of(office).read_bytes()
    with file_of(office).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = office.run("keys", "rotate", status=1)
    assert "being changed already" in said.output
    assert file_of(office).read_bytes() == before


def test_rotating_twice_keeps_all_keys(office: Shell) -> None:
    before = addresses(load_settings())
    office.run("keys", "rotate")
    office.run("keys", "rotate")
    assert len(keys_in(office)) == 3
    newest = keys_in(office)[:1]
    assert addresses(Settings(database_url=load_settings().database_url, secret_keys=newest)) == before


def test_a_link_to_the_file_stays_a_link(office: Shell, tmp_path: Path) -> None:
    real = tmp_path / "real.env"
    file_of(office).rename(real)
    file_of(office).symlink_to(real)
    office.run("keys", "rotate")
    assert file_of(office).is_symlink()
    assert len(keys_in(office)) == 2
    assert file_of(office).samefile(real)
