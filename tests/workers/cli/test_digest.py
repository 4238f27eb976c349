"""`cadencia digest`: files, mail, and plain words where it can do neither."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from integrations.registry import open_ports
from integrations.vault import fresh_key
from tests.tracker.world import World, agreement, instant
from tracker.clock import FixedClock
from tracker.models import OutboxMail, OutboxState, Person
from tracker.services import schema
from tracker.settings import load_settings
from workers.cli import digest as command
from workers.cli import main
from workers.cli.setup import opened

MONDAY = instant("2026-03-23 12:00")


@pytest.fixture
def world(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CADENCIA_DATABASE_URL", database_url)
    monkeypatch.setenv("CADENCIA_SECRET_KEYS", fresh_key())
    monkeypatch.setenv("CADENCIA_BASE_URL", "https://cadencia.example.com")
    monkeypatch.setattr(command, "opened", lambda: opened(FixedClock(MONDAY)))
    ports = open_ports(load_settings())
    schema.upgrade(ports.store)
    world = World(ports.store, ports.vault)
    mentor, mentee = world.person("ana@example.com"), world.person("ben@example.com")
    world.pair(world.program("Mentoría Andina"), mentor, mentee, agreement("2026-02-23"))
    yield world
    ports.store.close()


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["digest", *arguments])


def _hr(world: World, email: str = "olga@example.com", language: str = "es") -> None:
    person_id = world.person(email)
    with world.store.write() as db:
        db.execute(update(Person).where(Person.id == person_id).values(is_hr=True, language=language))


def _mails(folder: Path) -> list[Path]:
    return sorted(folder.glob("outbox/*.eml"))


# --- files ---


def test_it_writes_files_and_prints_where_they_are(world: World, tmp_path: Path) -> None:
    result = _run()
    assert result.exit_code == 0
    stem = "digests/2026-W12-mentoria-andina-en"
    assert result.stdout.split() == [f"{stem}.txt", f"{stem}.html", f"{stem}.eml"]
    assert "Mentoría Andina: 2026-W12 (UTC)" in result.stderr
    assert "Mentoría Andina, 16–22 March" in (tmp_path / f"{stem}.txt").read_text()
    mail = message_from_bytes((tmp_path / f"{stem}.eml").read_bytes(), policy=policy.default)
    assert mail["Subject"].startswith("Mentoría Andina, 16–22 March")
    assert _mails(tmp_path) == []


def test_it_writes_the_languages_of_hr(world: World) -> None:
    _hr(world)
    written = _run("--out", "here").stdout.split()
    assert {Path(path).stem[-2:] for path in written} == {"en", "es"}
    assert {Path(path).parent.name for path in written} == {"here"}


def test_programs_whose_names_look_alike_have_files_of_their_own(world: World) -> None:
    other = world.program("Mentoria & Andina!")
    written = _run().stdout.split()
    assert len(set(written)) == 6
    assert f"digests/2026-W12-{other}-en.txt" in written


def test_one_program_and_one_week_can_be_chosen(world: World) -> None:
    world.program("Other")
    result = _run("--program", "mentoria andina", "--week", "2026-W10")
    suffixes = ("txt", "html", "eml")
    assert result.stdout.split() == [f"digests/2026-W10-mentoria-andina-en.{s}" for s in suffixes]


# --- mail ---


def test_it_sends_to_hr_and_says_how_many(world: World, tmp_path: Path) -> None:
    _hr(world)
    _hr(world, "paul@example.com", "en")
    result = _run("--send")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Letters: 2 written." in result.stderr
    assert "Mail: 2 sent" in result.stderr
    subjects = [
        message_from_bytes(p.read_bytes(), policy=policy.default)["Subject"] for p in _mails(tmp_path)
    ]
    assert sorted(s.partition(":")[0] for s in subjects) == [
        "Mentoría Andina, 16–22 March",
        "Mentoría Andina, 16–22 de marzo",
    ]


def test_a_second_send_sends_nothing_and_says_so(world: World, tmp_path: Path) -> None:
    _hr(world)
    _run("--send")
    before = [path.stat().st_mtime_ns for path in _mails(tmp_path)]
    result = _run("--send")
    assert result.exit_code == 0
    assert "none written; this digest was sent before" in result.stderr
    assert [path.stat().st_mtime_ns for path in _mails(tmp_path)] == before


def test_a_letter_that_failed_is_tried_once_more(world: World, tmp_path: Path) -> None:
    _hr(world)
    _run("--send")
    with world.store.write() as db:
        db.execute(update(OutboxMail).values(state=OutboxState.FAILED))
    result = _run("--send")
    assert "1 tried once more" in result.stderr
    with world.store.read() as db:
        assert db.scalars(select(OutboxMail.state)).all() == [OutboxState.SENT]


def test_a_server_out_of_reach_is_told_and_the_letter_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hr(world)
    monkeypatch.setenv("CADENCIA_MAIL_URL", "smtp://127.0.0.1:1")
    result = _run("--send")
    assert result.exit_code == 1
    assert "The mail server 127.0.0.1:1 could not be used" in result.stderr
    assert "1 to be tried again" in result.stderr


def test_without_anybody_of_hr_it_says_what_to_do(world: World) -> None:
    result = _run("--send")
    assert result.exit_code == 1
    assert "Nobody has the role hr" in result.stderr


# --- wrong use ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--week", "47"], "such as 2026-W47"),
        (["--week", "2026-W14", "--send"], "has not begun yet. The latest is 2026-W12"),
        (["--program", "Nobody"], "There is no program 'Nobody'. Programs: Mentoría Andina."),
    ],
)
def test_wrong_use_is_told_in_words(world: World, arguments: list[str], said: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert result.stdout == ""
