"""The key schedule (RFC 9420, section 8).

                      init_secret_[n-1]
                            │
      commit_secret ──► KDF.Extract
                            │
                    ExpandWithLabel(., "joiner", GroupContext_[n], Nh)
                            │
                       joiner_secret
                            │
    psk_secret (or 0) ──► KDF.Extract ──► DeriveSecret(., "welcome") = welcome_secret
                            │
                    ExpandWithLabel(., "epoch", GroupContext_[n], Nh)
                            │
                       epoch_secret ──► DeriveSecret(., <label>) = <secret>
                            │
                    DeriveSecret(., "init") = init_secret_[n]

What is above `epoch_secret` and the epoch secret itself never leave the functions here: they are
consumed once the secrets below exist (9.2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.secret import Random, Scratch, Secret

_EXTERNAL_INIT = b"MLS 1.0 external init secret"


@dataclass(frozen=True, slots=True)
class EpochSecrets:
    """The secrets of one epoch, each derived from its `epoch_secret` by the label beside it."""

    sender_data_secret: Secret  # "sender data"
    encryption_secret: Secret  # "encryption"
    exporter_secret: Secret  # "exporter"
    external_secret: Secret  # "external"
    confirmation_key: Secret  # "confirm"
    membership_key: Secret  # "membership"
    resumption_psk: Secret  # "resumption"
    epoch_authenticator: Secret  # "authentication"
    init_secret: Secret  # "init"

    def wipe(self) -> None:
        for field in fields(self):
            getattr(self, field.name).wipe()


_LABELS = (
    "sender data",
    "encryption",
    "exporter",
    "external",
    "confirm",
    "membership",
    "resumption",
    "authentication",
    "init",
)


def joiner_secret(
    suite: CipherSuite, init_secret: Secret, commit_secret: Secret, context: bytes
) -> Secret:
    """`joiner_secret`. `context` is the new epoch's encoded GroupContext."""
    extracted = suite.extract(init_secret, commit_secret)
    joiner = suite.expand_with_label(extracted, "joiner", context, suite.size)
    extracted.wipe()
    return joiner


def welcome_secret(suite: CipherSuite, joiner: Secret, psk_secret: Secret) -> Secret:
    """`welcome_secret`, which protects the GroupInfo in a Welcome."""
    member = suite.extract(joiner, psk_secret)
    welcome = suite.derive_secret(member, "welcome")
    member.wipe()
    return welcome


def welcome_key_and_nonce(suite: CipherSuite, welcome: Secret) -> tuple[bytes, bytes]:
    """The AEAD key and nonce of `encrypted_group_info` (12.4.3.1).

    They follow from the joiner secret alone, so they are used once only if no two Welcomes share
    one. `Group.commit` sees to that: it forces a path from an epoch's second attempt on.
    """
    expand = suite.expander(welcome.expose())
    return expand("key", b"", suite.aead.key_size), expand("nonce", b"", suite.aead.nonce_size)


def epoch_secrets(
    suite: CipherSuite, joiner: Secret, psk_secret: Secret, context: bytes
) -> EpochSecrets:
    """The secrets of the epoch that `context` describes."""
    member = suite.extract(joiner, psk_secret)
    epoch = suite.expand_with_label(member, "epoch", context, suite.size)
    member.wipe()
    return from_epoch_secret(suite, epoch)


def from_epoch_secret(suite: CipherSuite, epoch: Secret) -> EpochSecrets:
    """Derive every secret of an epoch, and wipe `epoch`. For epoch 0 it is drawn at random."""
    expand = suite.expander(epoch.expose())
    epoch.wipe()
    return EpochSecrets(*(Secret(expand(label, b"", suite.size)) for label in _LABELS))


def export(
    suite: CipherSuite, secrets: EpochSecrets, label: str, context: bytes, length: int
) -> Secret:
    """`MLS-Exporter` (8.5). It is the hash of the context that goes in, not the context.

    Raises `ValueError` beyond 255 times Nh bytes, where HKDF ends.
    """
    if not 0 <= length <= 255 * suite.size:
        raise ValueError("an exported secret has at most 255 times Nh bytes")
    derived = suite.derive_secret(secrets.exporter_secret, label)
    exported = suite.expand_with_label(derived, "exported", suite.hash(context), length)
    derived.wipe()
    return exported


def external_key_pair(suite: CipherSuite, secrets: EpochSecrets) -> HpkeKeyPair:
    """The key pair of the whole group, to which an external joiner encrypts (8.3)."""
    return suite.derive_key_pair(secrets.external_secret)


def send_external_init(
    suite: CipherSuite, external_pub: bytes, random: Random
) -> tuple[bytes, Secret]:
    """(`kem_output`, `init_secret`) of an external joiner. Raises `InvalidPublicKey`."""
    suite.hpke.kem.check(external_pub)
    kem_output, context = suite.hpke.setup_sender(external_pub, b"", random)
    return kem_output, context.export(_EXTERNAL_INIT, suite.size)


def receive_external_init(suite: CipherSuite, secrets: EpochSecrets, kem_output: bytes) -> Secret:
    """The joiner's `init_secret`. Raises `InvalidPublicKey`."""
    with Scratch() as scratch:
        pair = scratch.temporary(external_key_pair(suite, secrets))
        return suite.hpke.setup_receiver(kem_output, pair, b"").export(_EXTERNAL_INIT, suite.size)
