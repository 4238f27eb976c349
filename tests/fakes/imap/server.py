"""The server: a thread for each connection, one folder for all of them."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Container
from dataclasses import dataclass, field

USER, PASSWORD = "mentoring@example.com", "open sesame"


@dataclass
class Folder:
    """One folder: its messages by UID. `seen` holds the UIDs that somebody marked as read."""

    uid_validity: int = 1
    next_uid: int = 1
    messages: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)


class FakeImap:
    """Starts at once; `drop_after` is a command after which the next connection is cut."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.folders = {"INBOX": Folder()}
        self.tls = tls
        self.offers_plain = True
        self.tokens: Container[str] = ()
        self.drop_after: str | None = None
        self.commands: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.imap = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def inbox(self) -> Folder:
        """Return the folder that everything goes to."""
        return self.folders["INBOX"]

    def url(self, password: str | None = PASSWORD, folder: str = "INBOX", host: str = "127.0.0.1") -> str:
        """Return the setting that names the folder."""
        secret = "" if password is None else ":" + password.replace(" ", "%20")
        port = self._server.server_address[1]
        return f"imap://{USER.replace('@', '%40')}{secret}@{host}:{port}/{folder}"

    def deliver(self, message: bytes) -> int:
        """Put a message into the inbox, and return its UID."""
        uid = self.inbox.next_uid
        self.inbox.messages[uid] = message
        self.inbox.next_uid += 1
        return uid

    def renumber(self) -> None:
        """Do what a restored server does: the same messages under other UIDs, and a new UIDVALIDITY."""
        old = self.inbox
        start = old.next_uid + 100
        messages = dict(enumerate(old.messages.values(), start))
        self.folders["INBOX"] = Folder(old.uid_validity + 1, start + len(messages), messages)

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(socketserver.ThreadingTCPServer):
    imap: FakeImap
    daemon_threads = True
    block_on_close = False


class _Connection(socketserver.StreamRequestHandler):
    """One client; `folder` is what it opened, and whether it may change it."""

    server: _Server

    def setup(self) -> None:
        """Begin."""
        super().setup()
        self.request.settimeout(10)
        self.is_private = False
        self.is_known = False
        self.folder: Folder | None = None
        self.is_read_only = True

    def handle(self) -> None:
        """Answer until the client leaves."""
        self._say("* OK ready")
        while (line := self.rfile.readline().decode().strip()) != "":
            tag, command, *rest = line.split(" ", 2)
            arguments = rest[0] if rest else ""
            if command.upper() == "UID":
                command, _, arguments = arguments.partition(" ")
            command = command.upper()
            self.server.imap.commands.append(f"{command} {arguments}")
            if self.server.imap.drop_after == command:
                self.server.imap.drop_after = None
                return
            answer = getattr(self, f"_do_{command.lower()}", None)
            self._say(f"{tag} {answer(arguments) if answer else 'BAD unknown'}")
            if command == "LOGOUT":
                return
            if command == "STARTTLS":
                self._encrypt()

    def finish(self) -> None:
        """End, also what was encrypted on the way."""
        super().finish()
        self.request.close()

    def _say(self, line: str, literal: bytes = b"", after: str = "") -> None:
        self.wfile.write(line.encode() + (b"\r\n" + literal if literal else b"") + after.encode() + b"\r\n")

    def _encrypt(self) -> None:
        assert self.server.imap.tls is not None
        self.request = self.server.imap.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.is_private = True

    def _do_capability(self, _arguments: str) -> str:
        imap = self.server.imap
        offers = ["IMAP4rev1", *(["AUTH=PLAIN"] if imap.offers_plain else [])]
        self._say("* CAPABILITY " + " ".join(offers + (["STARTTLS"] if imap.tls else [])))
        return "OK done"

    def _do_starttls(self, _arguments: str) -> str:
        return "OK begin"

    def _do_login(self, arguments: str) -> str:
        return self._know(arguments == f'{USER} "{PASSWORD}"')

    def _do_authenticate(self, arguments: str) -> str:
        self._say("+ ")
        said = base64.b64decode(self.rfile.readline())
        if arguments != "XOAUTH2":
            return self._know(said == f"\0{USER}\0{PASSWORD}".encode())
        user, token, *rest = said.decode().split("\1")
        is_right = user == f"user={USER}" and token.removeprefix("auth=Bearer ") in self.server.imap.tokens
        if not is_right:
            # As the mechanism has it: an error, which the client has to answer with an empty line.
            self._say("+ " + base64.b64encode(b'{"status":"400"}').decode())
            assert self.rfile.readline() == b"\r\n"
        return self._know(is_right and rest == ["", ""])

    def _know(self, is_right: bool) -> str:
        self.is_known = is_right
        return "OK in" if is_right else "NO [AUTHENTICATIONFAILED] not with " + PASSWORD

    def _do_select(self, arguments: str) -> str:
        self.is_read_only = False
        return self._open(arguments)

    def _do_examine(self, arguments: str) -> str:
        self.is_read_only = True
        return self._open(arguments)

    def _open(self, name: str) -> str:
        self.folder = self.server.imap.folders.get(name.strip('"')) if self.is_known else None
        if self.folder is None:
            return "NO there is no such folder"
        self._say(f"* {len(self.folder.messages)} EXISTS")
        self._say(f"* OK [UIDVALIDITY {self.folder.uid_validity}] good")
        return "OK [READ-ONLY] open" if self.is_read_only else "OK [READ-WRITE] open"

    def _do_search(self, arguments: str) -> str:
        assert self.folder is not None
        first = int(arguments.split()[-1].partition(":")[0])
        last = max(self.folder.messages, default=0)
        # "n:*" holds the last message even where n lies after it.
        found = [u for u in sorted(self.folder.messages) if u >= first or u == last]
        self._say("* SEARCH " + " ".join(map(str, found)))
        return "OK done"

    def _do_fetch(self, arguments: str) -> str:
        assert self.folder is not None
        uids, _, what = arguments.partition(" ")
        for uid in map(int, uids.split(",")):
            message = self.folder.messages.get(uid)
            if message is None:
                continue
            if "SIZE" in what:
                self._say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(message)})")
                continue
            if "PEEK" not in what and not self.is_read_only:
                self.folder.seen.add(uid)
            self._say(f"* {uid} FETCH (UID {uid} BODY[] {{{len(message)}}}", message, ")")
        return "OK done"

    def _do_logout(self, _arguments: str) -> str:
        self._say("* BYE")
        return "OK done"
