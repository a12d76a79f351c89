"""The keys of one person in one room, and what signs with them.

All are made when a room is opened or joined, belong to this room alone, live in memory only, and
are wiped at close: after that nothing ties a signature to anybody.
"""

from dataclasses import dataclass, field, replace

from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.records import Record
from alcove_protocol.statements import Signed
from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

from alcove import mls
from alcove.errors import NotNow
from alcove.mls.secret import Random, Secret


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key for the protocol's statements. The private half never prints."""

    public: bytes
    _private: Secret = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """The key of a 32-byte seed."""
        public, private = crypto_sign_seed_keypair(seed)
        return cls(public, Secret(private))

    @classmethod
    def generate(cls, random: Random) -> "SigningKey":
        return cls.from_seed(random(32))

    def sign(self, label: Label, statement: Record) -> Signed:
        """The statement's exact bytes and a signature over the label and them."""
        body = statement.encode()
        signature = crypto_sign(label.bytes + body, self._private.expose())[:crypto_sign_BYTES]
        return Signed(body, signature)

    def wipe(self) -> None:
        self._private.wipe()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who one is in one room: a pseudonym and fresh keys.

    `relay` is known to the relay, `signature` to the group; the leaf lists the relay key, so that
    members can hold one against the other. `hpke` receives what facilitators share, `desk` the
    answers of the private line.
    """

    name: str
    suite: mls.CipherSuite
    relay: SigningKey
    signature: mls.SignatureKeyPair
    hpke: mls.HpkeKeyPair
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
            box.hpke_keypair(random),
        )

    def in_suite(self, suite: mls.CipherSuite) -> "Identity":
        """The same person and the same keys, in a room of another suite.

        Every suite that a room may have signs with Ed25519, and only KeyPackages have keys of the
        rest, so who one is can be decided before the room's card tells its suite. The secrets are
        shared: to wipe one is to wipe both.
        """
        signature = mls.SignatureKeyPair(suite, self.signature.private, self.signature.public)
        return replace(self, suite=suite, signature=signature)

    def mls_signer(self) -> SigningKey:
        """The MLS signature key, for the statements that it signs (cards, appointments).

        Safe beside its use in MLS: MLS signs under labels that begin with a length and `MLS 1.0 `,
        which no label of this protocol does.
        """
        return SigningKey.from_seed(self.signature.private.expose()[:32])

    def wipe(self) -> None:
        self.relay.wipe()
        self.signature.private.wipe()
        self.hpke.private.wipe()
        self.desk.private.wipe()


ROOM_SUITE = 0x0003
"""The suite of a room by default, and of everything sealed outside the group (section 7)."""

ROOM_SUITES = frozenset({ROOM_SUITE, mls.POST_QUANTUM})


def room_suite(number: int) -> mls.CipherSuite:
    """A suite that a room may have. Raises `NotNow` (`suite_unavailable`)."""
    if number not in ROOM_SUITES:
        text = "This room is encrypted in a way that is not known here; update your client."
        raise NotNow("suite_unavailable", text)
    try:
        return mls.ciphersuite(number)
    except mls.SuiteUnavailable:
        text = "Post-quantum rooms need one more package: pip install 'alcove[suites]'."
        raise NotNow("suite_unavailable", text) from None


def check_hpke_key(key: bytes) -> None:
    """Refuse a key to which nothing may be sealed: of small order, or not in canonical form. What
    is sealed to such a key opens for everybody, and the library refuses to seal. Raises
    `Malformed` (`bad_field`)."""
    try:
        mls.ciphersuite(ROOM_SUITE).hpke.kem.check(key)
    except mls.InvalidPublicKey:
        raise Malformed("bad_field", "an HPKE key that no honest client has") from None
