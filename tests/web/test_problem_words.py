"""Every way in which a calendar can fail has words, for its owner and the administrator, in each language."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import modules
from tracker.problems import PROBLEMS, Mend, explain_to_admin, problem_of
from tracker.services.pulls import INTERNAL
from tracker.services.sync import MASS_REMOVAL
from tracker.wording import Reader, catalogue
from web.words.problems import problem_for_admin, problem_for_owner, problem_of_trial, reasons_set_aside


def _codes(tree: ast.AST) -> Iterator[str]:
    """The words that errors are named by: `code="x"`, `code = "x"` in a class, and pairs (TEXT, "x")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from _word(node.value)
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and [getattr(t, "id", "") for t in line.targets] == ["code"]:
                    yield from _word(line.value)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            first, second = node.elts
            if isinstance(first, ast.Name) and first.id.isupper():
                yield from _word(second)


def _word(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def codes() -> set[str]:
    """All codes that a connector or a service can give."""
    found = {code for module in modules("integrations", "tracker") for code in _codes(module.tree)}
    return {*found, INTERNAL, MASS_REMOVAL}


def test_the_codes_are_found() -> None:
    assert {"reconnect", "unreachable", "secret_expired", "not_delegated", "too_large"} <= codes()


def test_every_code_has_words() -> None:
    assert codes() - PROBLEMS.keys() == set(), "add them to tracker/problems.py"


def test_every_word_is_in_both_languages() -> None:
    spanish = catalogue("es")
    texts = {text for problem in PROBLEMS.values() for text in (problem.owner, problem.admin)}
    assert {text for text in texts if spanish.gettext(text) == text} == set()


@pytest.mark.parametrize("code", sorted(PROBLEMS))
@pytest.mark.parametrize("language", ["en", "es"])
def test_its_owner_is_told_in_whole_sentences(code: str, language: str) -> None:
    said = problem_for_owner(Reader(language), code)
    assert said[0].isupper() or said[0] in "¿"
    assert said.endswith(".")
    for word in ("CADENCIA_", "docs/", "cadencia sync", "%("):
        assert word not in said


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_the_administrator_is_told_in_a_line(code: str) -> None:
    assert not explain_to_admin(code, "ana@example.com").endswith(".")
    for language in ("en", "es"):
        said = problem_for_admin(Reader(language), code, "ana@example.com")
        assert said.endswith(".")
        assert "%(" not in said


def test_what_only_a_person_can_mend_has_a_button() -> None:
    assert problem_of("reconnect").mend is Mend.CONNECT
    assert problem_of("mass_removal").mend is Mend.ACCEPT
    assert problem_of("secret_expired").mend is Mend.NOTHING


def test_who_tries_addresses_learns_nothing_of_certificates() -> None:
    assert problem_of_trial(Reader(), "untrusted") == problem_of_trial(Reader(), "unreachable")


def test_an_unknown_code_accuses_nobody() -> None:
    assert "there is nothing you need to do" in problem_for_owner(Reader(), "something new")
    assert "something new" in problem_for_admin(Reader(), "something new", "ana@example.com")


def test_what_was_set_aside_is_counted_by_its_kind() -> None:
    issues = ["its time has no zone", "its time zone is unknown", "it has no start", "it is no event at all"]
    said = reasons_set_aside(Reader(), [{"place": "event 1", "issue": issue} for issue in issues])
    assert [count for count, _ in said] == [2, 1, 1]
    assert "time zone" in said[0][1]
    assert reasons_set_aside(Reader("es"), []) == []
