"""The head of one HTTP request, read strictly and in bounded memory, before anything acts on it.

Without I/O. A head that two programs could read differently is refused, because a proxy in front
may be the other program: two lengths, folded lines, spaces before colons, more than one Host.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

HEAD_SIZE: Final = 16 * 1024
"""Bytes of a request line and all headers. Browsers send 2 KB without cookies."""
LINE_SIZE: Final = 2 * 1024
"""Bytes of the request line. The longest path that is served here has 20."""
HEADERS: Final = 64
"""Header lines."""

_END: Final = b"\r\n\r\n"
_REQUEST = re.compile(rb"([A-Z]{1,16}) ([!-~]+) HTTP/1\.[01]")
# Possessive (`++`, `*+`): backtracking over a hostile 16 KiB of spaces would take a hundred million
# steps.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[ \t]*+([\t -~\x80-\xff]*+)")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class BadRequest(Exception):
    """A request that gets this HTTP status and a closed connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request's head: the path, and headers by their lower-case names, in order."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]

    def one(self, name: str) -> str | None:
        """The value of a header that comes at most once. Raises `BadRequest` (400)."""
        values = self.all(name)
        if len(values) > 1:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        return values[0] if values else None

    @property
    def host(self) -> str:
        return self.one("host") or ""

    @property
    def has_body(self) -> bool:
        """Whether the request says that a body follows."""
        return bool(self.all("transfer-encoding")) or self.one("content-length") not in (None, "0")


class RequestHeadReader:
    """Collects bytes until the head is whole."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> tuple[RequestHead, bytes] | None:
        """The head and what came after it, or None while it is not whole. Raises `BadRequest`
        (400, 414, 431, 505)."""
        self._data += data
        end = self._data.find(_END)
        line = self._data.find(b"\r\n", 0, LINE_SIZE + 2)
        if line < 0 and len(self._data) > LINE_SIZE:
            raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG)
        if end < 0:
            if len(self._data) > HEAD_SIZE:
                raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return None
        if end > HEAD_SIZE:
            raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        rest = end + len(_END)
        return parse(bytes(self._data[:rest])), bytes(self._data[rest:])


def parse(raw: bytes) -> RequestHead:
    """A whole head. Raises `BadRequest`."""
    request_line, *lines = raw[: -len(_END)].split(b"\r\n")
    request = _REQUEST.fullmatch(request_line)
    if request is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    if len(lines) > HEADERS:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        value = header[2].decode("latin-1").rstrip(" \t")
        headers.append((header[1].decode().lower(), value))
    path = request[2].decode().partition("?")[0]
    head = RequestHead(request[1].decode(), path, tuple(headers), raw)
    _check(head)
    return head


def _check(head: RequestHead) -> None:
    """Raises `BadRequest` (400) for what is ambiguous."""
    host = head.one("host")
    if host is None or not _HOST.fullmatch(host):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    length = head.one("content-length")
    if length is not None and not length.isascii():
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    if length is not None and (not length.isdigit() or head.all("transfer-encoding")):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
