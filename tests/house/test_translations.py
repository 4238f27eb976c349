"""Every text of the product is in the Spanish catalogue, translated, and compiled: `make translations`."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.house.sources import ROOT

SPANISH = ROOT / "tracker" / "translations" / "es" / "LC_MESSAGES" / "messages.po"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the sources say now; the same words as in the Makefile."""
    template = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    rooms = [str(ROOT / room) for room in ("tracker", "integrations", "web")]
    options = [f"--mapping-file={ROOT / 'pyproject.toml'}", "--keyword=_l", "--keyword=lazy_gettext"]
    pybabel = str(Path(sys.executable).with_name("pybabel"))
    subprocess.run([pybabel, "-q", "extract", *options, f"--output-file={template}", *rooms], check=True)
    return _read(template)


@pytest.fixture(scope="module")
def spanish(sources: Catalog) -> Catalog:
    """The committed catalogue; empty only as long as there is nothing to translate."""
    if not SPANISH.exists():
        assert len(sources) == 0, "there are texts and no catalogue: run `make translations`"
        return Catalog(locale="es")
    return _read(SPANISH)


def test_every_text_is_in_the_catalogue(sources: Catalog, spanish: Catalog) -> None:
    missing = [
        message.id for message in _messages(sources) if spanish.get(message.id, message.context) is None
    ]
    assert missing == [], "run `make translations`"


def test_every_text_is_translated(spanish: Catalog) -> None:
    untranslated = [message.id for message in _messages(spanish) if not _is_translated(message)]
    assert untranslated == []


def test_nothing_in_the_catalogue_is_a_guess(spanish: Catalog) -> None:
    assert [message.id for message in _messages(spanish) if message.fuzzy] == []


def test_translations_keep_the_placeholders(spanish: Catalog) -> None:
    wrong = [(message.id, str(error)) for message in _messages(spanish) for error in message.check(spanish)]
    assert wrong == []


def test_nothing_is_left_that_no_source_says(sources: Catalog, spanish: Catalog) -> None:
    left = [message.id for message in _messages(spanish) if sources.get(message.id, message.context) is None]
    assert left + [message.id for message in spanish.obsolete.values()] == [], "run `make translations`"


def test_what_is_read_at_run_time_is_what_was_written(spanish: Catalog) -> None:
    if not SPANISH.exists():
        return
    compiled = io.BytesIO()
    write_mo(compiled, spanish)
    assert SPANISH.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run `make translations`"


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="es", domain="messages")


def _messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def _is_translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, list | tuple) else [message.string]
    return all(texts)
