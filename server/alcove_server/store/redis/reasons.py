"""Why a server of Redis cannot be reached, or does not let the relay in, for its operator.

The words are our own: the message of another library may quote the address or a login.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from typing import Final

import hiredis
from redis import exceptions

from alcove_server.store.redis.errors import OwnWords

CLOSED: Final = (
    "it closed the connection: it goes down, only one side speaks TLS, or it asks for a "
    "certificate of the relay that it trusts"
)
"""The last too: its reason may be lost with the connection, before the relay has read it."""
SILENT: Final = "no answer in time: it is busy, or only one side speaks TLS"
LOGIN: Final = "the user or the password is wrong"
RIGHTS: Final = "its user may not do what a relay needs (deploy/redis/users.acl)"
_REPLIES: Final = {"WRONGPASS": LOGIN, "NOAUTH": LOGIN, "NOPERM": RIGHTS}
_CERTIFICATES: Final = {
    9: "its certificate is not valid yet, by the clock of this machine",
    10: "its certificate has expired, by the clock of this machine",
    62: "its certificate is for another name than the one by which it is asked",
    64: "its certificate is for another address than the one at which it is asked",
}
"""By OpenSSL's number (X509_V_ERR_…)."""
_STRANGER: Final = "its certificate is of no authority that is trusted here (SSL_CERT_FILE)"
_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (exceptions.AuthenticationError, LOGIN),
    (exceptions.NoPermissionError, RIGHTS),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionRefusedError, "nothing listens there"),
    (TimeoutError, SILENT),
    (exceptions.TimeoutError, SILENT),
    (ConnectionResetError, CLOSED),
    (BrokenPipeError, CLOSED),
    (FileNotFoundError, "a file of the relay's certificate is missing"),
)
_EACH: Final = re.compile(r"\[Errno (\d+)\]")
"""In the message with which asyncio says of several addresses of one name what each failed for."""


def reason_of(error: BaseException) -> str:
    """Return why, in a few words. What another library raises has its cause behind it."""
    found: BaseException | None = error
    while found is not None:
        if (said := _words(found)) is not None:
            return said
        found = found.__cause__ or found.__context__
    return CLOSED if isinstance(error, exceptions.ConnectionError) else type(error).__name__


def _words(error: BaseException) -> str | None:
    if type(error) is ConnectionError or isinstance(error, OwnWords):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, _STRANGER)
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, hiredis.ReplyError):
        kind = str(error).partition(" ")[0]
        return _REPLIES.get(kind, kind)
    if type(error) is OSError and error.errno is None:
        each = [_words(OSError(int(number), "")) for number in _EACH.findall(str(error))]
        return ", ".join(dict.fromkeys(filter(None, each))) or None
    said = next((words for kind, words in _KINDS if isinstance(error, kind)), None)
    if said is None and isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return said


def _of_tls(error: ssl.SSLError) -> str:
    """What a handshake failed for, or one side said in an alert."""
    said = getattr(error, "reason", None) or ""
    if "CERTIFICATE_REQUIRED" in said:
        return "it asks for a certificate of the relay (store-certificate)"
    if "ALERT" in said:
        return "it refuses the relay's certificate (store-certificate)"
    return CLOSED
