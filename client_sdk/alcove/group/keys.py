"""The keys of one person in one room, and what signs with them.

The client makes all of them when it opens or joins a room. They belong to this room alone, live in
memory only, and are wiped at close. After that nothing ties a signature to a person.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.records import Record
from alcove_protocol.statements import Signed
from nacl.bindings import (
    crypto_sign,
    crypto_sign_BYTES,
    crypto_sign_seed_keypair,
    crypto_sign_SEEDBYTES,
)

from alcove import mls
from alcove.errors import NotNow
from alcove.mls.secret import Random, Secret

SEED_SIZE: Final = crypto_sign_SEEDBYTES


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key for the protocol's statements. The private half never prints."""

    public: bytes
    _private: Secret = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """The key of a seed of `SEED_SIZE` bytes."""
        public, private = crypto_sign_seed_keypair(seed)
        return cls(public, Secret(private))

    @classmethod
    def generate(cls, random: Random) -> "SigningKey":
        return cls.from_seed(random(SEED_SIZE))

    def sign(self, label: Label, statement: Record) -> Signed:
        """The statement's exact bytes and a signature over the label and them."""
        body = statement.encode()
        signature = crypto_sign(label.bytes + body, self._private.expose())[:crypto_sign_BYTES]
        return Signed(body, signature)

    def seed(self) -> bytes:
        """The seed that `from_seed` takes: a secret."""
        return self._private.expose()[:SEED_SIZE]

    def wipe(self) -> None:
        self._private.wipe()


@dataclass(frozen=True, slots=True)
class Identity:
    """One person in one room: a pseudonym and fresh keys.

    The relay knows `relay` and the group knows `signature`. The leaf lists the relay key, so that
    members can compare the two. `hpke` receives what facilitators share, `desk` the answers of the
    private line.
    """

    name: str
    suite: mls.CipherSuite
    relay: SigningKey
    signature: mls.SignatureKeyPair
    desk: mls.HpkeKeyPair

    @classmethod
    def generate(cls, name: str, suite: mls.CipherSuite, random: Random) -> "Identity":
        box = mls.ciphersuite(ROOM_SUITE)
        return cls(
            name,
            suite,
            SigningKey.generate(random),
            suite.signature_keypair(random),
            box.hpke_keypair(random),
        )

    def in_suite(self, suite: mls.CipherSuite) -> "Identity":
        """The same person and the same keys, in a room of another suite.

        Every suite that a room may have signs with Ed25519, and only KeyPackages have keys of the
        rest. So a client makes its identity before the room's card tells the suite. Both share
        their secrets: to wipe one is to wipe both.
        """
        signature = mls.SignatureKeyPair(suite, self.signature.private, self.signature.public)
        return replace(self, suite=suite, signature=signature)

    def mls_signer(self) -> SigningKey:
        """The MLS signature key, for the statements that it signs (cards, appointments).

        This is safe beside its use in MLS, which signs under labels that begin with a length and
        `MLS 1.0 `. No label of this protocol does.
        """
        return SigningKey.from_seed(self.signature.private.expose()[:SEED_SIZE])

    def wipe(self) -> None:
        self.relay.wipe()
        self.signature.private.wipe()
        self.desk.private.wipe()


ROOM_SUITE: Final = 0x0003
"""The suite of a room by default, and of all that is sealed outside the group (section 7)."""
ROOM_SUITES: Final = frozenset({ROOM_SUITE, mls.POST_QUANTUM})


def room_suite(number: int) -> mls.CipherSuite:
    """A suite that a room may have. Raises `NotNow` (`suite_unavailable`)."""
    if number not in ROOM_SUITES:
        text = "Your client does not know the encryption of this room; update it."
        raise NotNow("suite_unavailable", text)
    try:
        return mls.ciphersuite(number)
    except mls.SuiteUnavailable:
        text = "Post-quantum rooms need one more package: pip install 'alcove[suites]'."
        raise NotNow("suite_unavailable", text) from None


def check_hpke_key(key: bytes) -> None:
    """Refuse a key to which nothing may be sealed: of small order, or not in canonical form. Any
    client could open what is sealed to such a key, and MLS refuses to seal to it. Raises
    `Malformed` (`bad_field`)."""
    try:
        mls.ciphersuite(ROOM_SUITE).hpke.kem.check(key)
    except mls.InvalidPublicKey:
        raise Malformed("bad_field", "No honest client has this HPKE key.") from None


def takes_seals(key: bytes) -> bool:
    """Whether anything may be sealed to this key (`check_hpke_key`). A member writes any key into
    its own leaf."""
    try:
        check_hpke_key(key)
    except Malformed:
        return False
    return True
