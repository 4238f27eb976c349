"""Bodies of answers, unpacked as they come. Never holds more than was allowed, however little was sent."""

import zlib
from collections.abc import Iterator

import requests

from tracker.errors import BadPayload

_CHUNK = 64 * 1024


def read_body(response: requests.Response, encoding: str, max_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed body piece by piece, never holding more than a piece beyond the limit."""
    decode = _decoder(encoding.strip().lower())
    left = max_bytes
    while raw := response.raw.read(_CHUNK, decode_content=False):
        for piece in decode.pieces(raw):
            left -= len(piece)
            if left < 0:
                raise BadPayload("This calendar is too large to be one person's.", code="too_large")
            yield piece
    decode.finish()


class _Plain:
    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield the bytes as they came."""
        yield raw

    def finish(self) -> None:
        """Nothing can be missing: the length was checked on the way."""


class _Inflate:
    """Undoes gzip or deflate a piece at a time. One layer alone: calendars are not packed twice."""

    def __init__(self, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)
        self._started = False

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield what the bytes unpack to, in bounded pieces."""
        while raw:
            try:
                piece = self._inflate.decompress(raw, _CHUNK)
            except zlib.error:
                if self._started:
                    raise BadPayload("The calendar's content is damaged.") from None
                # Some servers send deflate without its header.
                self._inflate, piece = zlib.decompressobj(-15), b""
                self._started = True
                continue
            self._started = True
            if piece:
                yield piece
            if self._inflate.eof:
                return
            raw = self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Raise BadPayload if the packed content had no end."""
        if not self._inflate.eof:
            raise BadPayload("The calendar's content is cut off.", code="cut_off")


def _decoder(encoding: str) -> _Plain | _Inflate:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Inflate(31)
    if encoding == "deflate":
        return _Inflate(15)
    raise BadPayload("The calendar's content is packed in a way that was not asked for.")
