"""The mailer for trying things out: each message becomes a file. Sends nothing anywhere."""

import os
import re
import tempfile
from email.parser import BytesHeaderParser
from pathlib import Path

from tracker.errors import ConnectorError

RETRY_AFTER_S = 60.0


class FolderMailer:
    """Writes one .eml file for each Message-ID into `folder`; sending the same again changes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Write the message; `sender` and `recipient` stand in it already. Raises ConnectorError."""
        del sender, recipient
        target = self.folder / _file_name(message)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_whole(target, message)
        except OSError as error:
            words = f"The mail folder {self.folder} can not be written ({error.strerror})."
            raise ConnectorError(words, retry_after_s=RETRY_AFTER_S) from None

    def rest(self) -> None:
        """Nothing is kept open."""

    def check(self, sender: str) -> None:
        """Write a file and take it away again. Raises ConnectorError."""
        del sender
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b"?")
        except OSError as error:
            words = f"The mail folder {self.folder} can not be written ({error.strerror})."
            raise ConnectorError(words) from None


def _file_name(message: bytes) -> str:
    name = str(BytesHeaderParser().parsebytes(message)["Message-ID"])
    local = name.strip().strip("<>").partition("@")[0]
    return re.sub(r"[^A-Za-z0-9._-]", "_", local) + ".eml"


def _write_whole(target: Path, content: bytes) -> None:
    # Died on the way: a file of another name is left, never half a message under the real one.
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
