"""Pre-shared keys (RFC 9420, section 8.4): secrets from elsewhere, mixed into an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.codec import (
    Opaque,
    Struct,
    Uint64,
    enumeration,
    nothing,
    opaque_codec,
    switch,
    uint8,
    uint16,
)
from alcove.mls.secret import Random, Scratch, Secret


class PSKType(IntEnum):
    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionPSKUsage(IntEnum):
    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


@dataclass(frozen=True, slots=True)
class _Resumption(Struct):
    usage: Annotated[ResumptionPSKUsage, enumeration(ResumptionPSKUsage, uint8)]
    psk_group_id: Opaque
    psk_epoch: Uint64


@dataclass(frozen=True, slots=True)
class PreSharedKeyID(Struct):
    """`PreSharedKeyID`: names a key without revealing it. `psk_nonce` is fresh each time."""

    psktype: Annotated[PSKType, enumeration(PSKType, uint8)]
    psk_id: Annotated[
        bytes | None,
        switch("psktype", {PSKType.EXTERNAL: opaque_codec, PSKType.RESUMPTION: nothing}),
    ]
    resumption: Annotated[
        _Resumption | None,
        switch("psktype", {PSKType.EXTERNAL: nothing, PSKType.RESUMPTION: _Resumption}),
    ]
    psk_nonce: Opaque

    @classmethod
    def external(cls, suite: CipherSuite, psk_id: bytes, random: Random) -> PreSharedKeyID:
        """Name an external key, with a fresh nonce of Nh bytes."""
        return cls(PSKType.EXTERNAL, psk_id, None, random(suite.size))

    @classmethod
    def of_epoch(
        cls,
        suite: CipherSuite,
        group_id: bytes,
        epoch: int,
        random: Random,
        usage: ResumptionPSKUsage = ResumptionPSKUsage.APPLICATION,
    ) -> PreSharedKeyID:
        """Name the resumption key of an epoch (8.6), with a fresh nonce of Nh bytes."""
        resumption = _Resumption(usage, group_id, epoch)
        return cls(PSKType.RESUMPTION, None, resumption, random(suite.size))

    @property
    def usage(self) -> ResumptionPSKUsage | None:
        """The usage of a resumption key. None for an external one."""
        return None if self.resumption is None else self.resumption.usage

    @property
    def founds_a_group(self) -> bool:
        """Whether it says that a group continues another one (11.2, 11.3)."""
        return self.usage in (ResumptionPSKUsage.REINIT, ResumptionPSKUsage.BRANCH)


@dataclass(frozen=True, slots=True)
class PskStore:
    """The pre-shared keys at hand: external ones by id, resumption ones by group id and epoch."""

    external: Mapping[bytes, Secret] = field(default_factory=dict)
    resumption: Mapping[tuple[bytes, int], Secret] = field(default_factory=dict)

    def find(self, psk: PreSharedKeyID) -> Secret | None:
        """None when there is no such key, or it was wiped: a client without a key is held."""
        known = None if psk.psk_id is None else self.external.get(psk.psk_id)
        if psk.resumption is not None:
            known = self.resumption.get((psk.resumption.psk_group_id, psk.resumption.psk_epoch))
        return None if known is None or known.wiped else known


NO_PSKS = PskStore()


def psk_secret(suite: CipherSuite, psks: Iterable[tuple[PreSharedKeyID, Secret]]) -> Secret:
    """`psk_secret`, the keys chained in the order of the proposals. Zeros when there are none."""
    psks = tuple(psks)
    result, count = suite.zeros(), uint16.write(len(psks))
    for index, (psk, value) in enumerate(psks):
        with Scratch() as scratch:
            before = scratch.temporary(result)
            extracted = scratch.temporary(suite.extract(suite.zeros(), value))
            label = psk.encode() + uint16.write(index) + count
            given = suite.expand_with_label(extracted, "derived psk", label, suite.size)
            scratch.temporary(given)
            # The new input is the salt and what came before is the input: the order matters (8.4).
            result = suite.extract(given, before)
    return result
