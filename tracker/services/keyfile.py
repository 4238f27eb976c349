"""Putting a new key into the settings file. Never shows a key, and never leaves a file half written."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tracker.errors import BadSettings, TrackerError
from tracker.settings import PREFIX, SETTINGS_FILE, load_settings

_NAME = PREFIX + "SECRET_KEYS"
_LINE = re.compile(rf"^(\s*(?:export )?\s*{_NAME}\s*=\s*['\"]?)", re.MULTILINE)


def find_file(environ: Mapping[str, str], folder: Path) -> Path:
    """Return the settings file that holds the keys. Raises BadSettings where they come from elsewhere."""
    if environ.get(_NAME) or environ.get(_NAME + "_FILE"):
        raise BadSettings(
            f"The keys come from the environment ({_NAME}), where this command can not change them. Put a "
            "new key in front there, restart everything, and run `cadencia keys reseal`."
        )
    path = Path(environ.get(PREFIX + "SETTINGS") or folder / SETTINGS_FILE).resolve()
    if not path.is_file():
        raise BadSettings(f"There is no settings file {path}. `cadencia init` writes one.")
    if len(_LINE.findall(path.read_text("utf-8-sig"))) != 1:
        raise BadSettings(
            f"{path} holds no line {_NAME}=... If {_NAME}_FILE names another file, put a new key in front "
            "there, restart everything, and run `cadencia keys reseal`."
        )
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other rotations out. Raises TrackerError where one is under way.

    Two at once would each write the file with a key that the other does not know, and seal with it.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrackerError("The keys are being changed already. Wait until that has ended.") from None
        # Whoever waited for nothing may hold the file that was there before.
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise TrackerError("The keys were changed just now. Run the command again if that is wanted.")
        yield


def put_in_front(path: Path, key: str) -> None:
    """Write the file with one more key, the newest: as a whole, or not at all; its owner and mode stay."""
    text = path.read_text("utf-8")
    was = path.stat()
    # Nobody but us may read it, from the first byte on.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(_LINE.sub(rf"\g<1>{key},", text))
            file.flush()
            os.fchmod(file.fileno(), was.st_mode & 0o777)
            if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fsync(file.fileno())
        _check(new, key)
        # Died before this: the old file is there. Died after it: the new one is, and the old keys are in it.
        new.replace(path)
    except OSError as error:
        raise BadSettings(f"{path} can not be written ({error.strerror}). Nothing was changed.") from None
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    _sync_folder(path.parent)


def _check(path: Path, key: str) -> None:
    keys = load_settings({PREFIX + "SETTINGS": str(path)}).secret_keys
    if keys[:1] != (key,) or len(keys) < 2:
        raise BadSettings(f"The line {_NAME}= is written in a way that this command does not understand.")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
