"""The demo's folder: a fresh one, an earlier demo, and whatever must not be touched."""

from pathlib import Path

import pytest

from tracker.errors import BadSettings
from workers.demo.folder import MARKER, claim_folder


def test_it_makes_a_folder_that_is_not_there(tmp_path: Path) -> None:
    claim_folder(tmp_path / "new" / "demo")
    assert (tmp_path / "new" / "demo" / MARKER).is_file()


def test_it_takes_an_empty_folder(tmp_path: Path) -> None:
    claim_folder(tmp_path)
    assert (tmp_path / MARKER).is_file()


def test_it_replaces_an_earlier_demo(tmp_path: Path) -> None:
    claim_folder(tmp_path)
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "old.ics").write_text("old")
    (tmp_path / "cadencia.sqlite").write_text("old")
    claim_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_it_touches_nothing_in_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadSettings, match="nothing was touched"):
        claim_folder(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 1


def test_it_follows_no_link_out_of_the_demo(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("years of work")
    demo = tmp_path / "demo"
    claim_folder(demo)
    (demo / "link").symlink_to(elsewhere, target_is_directory=True)
    claim_folder(demo)
    assert (elsewhere / "thesis.txt").read_text() == "years of work"


def test_it_refuses_a_link_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(BadSettings, match="no folder"):
            claim_folder(tmp_path / name)
