"""Credentials (RFC 9420, section 5.3): a member's claim to an identity.

Nothing here decides whether to believe it. That is the application's part ("Authentication
Service"). In Alcove a pseudonym claims nothing that could be checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from alcove.mls.codec import Opaque, Struct, Uint16, opaque_codec, switch, vector
from alcove.mls.errors import InvalidCredential


class CredentialType(IntEnum):
    """The credential types of the RFC."""

    BASIC = 1
    X509 = 2


@dataclass(frozen=True, slots=True)
class Credential(Struct):
    """`Credential`. `value` is the identity (basic) or the chain of certificates, DER (X.509)."""

    type: Uint16
    value: Annotated[
        bytes | tuple[bytes, ...],
        switch(
            "type",
            {CredentialType.BASIC: opaque_codec, CredentialType.X509: vector(opaque_codec)},
        ),
    ]

    def __repr__(self) -> str:
        return f"Credential(type={self.type}, …)"  # an identity belongs in no log

    @classmethod
    def basic(cls, identity: bytes) -> Credential:
        """A bare assertion of an identity."""
        return cls(CredentialType.BASIC, identity)

    @property
    def identity(self) -> bytes:
        """Raises `InvalidCredential` when this is no basic credential."""
        if isinstance(self.value, bytes):
            return self.value
        raise InvalidCredential("not a basic credential")


@dataclass(frozen=True, slots=True)
class ExternalSender(Struct):
    """An outsider that may propose (12.1.8.1)."""

    signature_key: Opaque
    credential: Credential
