"""What the tests about the code base look at: our modules, and every text that is or will be committed."""

from __future__ import annotations

import ast
import dataclasses
import functools
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent
ROOMS: Final = ("tracker", "integrations", "web", "workers")
# Migrations are a record: one is written once and never grows, however long it is.
RECORDS: Final = Path("tracker/migrations/versions")


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """One source file; `path` is relative to the repository."""

    path: Path
    text: str

    @property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, filename=str(self.path))

    @property
    def name(self) -> str:
        """The dotted name, as imports say it."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield what the module imports, as absolute dotted names with the line."""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                yield ".".join([*base, *([node.module] if node.module else [])]), node.lineno


@functools.cache
def modules(*rooms: str) -> tuple[Module, ...]:
    """Return the Python files of some rooms (all four where none is named)."""
    found = (path for room in rooms or ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return tuple(Module(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in found)


@functools.cache
def committed_texts() -> tuple[tuple[Path, str], ...]:
    """Return every text that is committed, or will be: new files count unless they are ignored."""
    listed = subprocess.run(
        # CI often runs as another user than the one who cloned, which git distrusts.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(_texts(Path(name) for name in sorted(set(listed.split("\0"))) if name))


def _texts(paths: Iterator[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if not (ROOT / path).is_file():
            continue
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@functools.cache
def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normalised(distribution: str) -> str:
    """Return a distribution's name in the one form that all spellings share."""
    return distribution.lower().replace("_", "-").replace(".", "-")
