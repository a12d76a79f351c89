"""One epoch as one member sees it: the public state, and the secrets that I have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.framing import AuthenticatedContent
from alcove.mls.group_context import GroupContext
from alcove.mls.key_schedule import EpochSecrets
from alcove.mls.policy import Policy
from alcove.mls.proposals import ReInit
from alcove.mls.psk import PreSharedKeyID, PskStore
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret
from alcove.mls.secret_tree import SecretTree
from alcove.mls.transcript import confirmed_transcript_hash, interim_transcript_hash


@dataclass(slots=True, eq=False)
class Epoch:
    """An epoch. Its tree and context are never changed: a commit makes the next epoch from
    copies. Only `secret_tree` moves, as keys are used."""

    suite: CipherSuite
    policy: Policy
    signer: SignatureKeyPair
    own_index: int
    context: GroupContext
    tree: RatchetTree
    private: dict[int, Secret]
    """My private keys by node index: my leaf's, and those of ancestors that I know."""
    secrets: EpochSecrets
    secret_tree: SecretTree
    confirmation_tag: bytes
    interim_transcript_hash: bytes
    reinit: ReInit | None = None
    """The ReInit that ended the group with the commit that began this epoch."""
    past_psks: dict[int, Secret] = field(default_factory=dict)
    """Resumption PSKs of earlier epochs, as far as the policy keeps them."""

    def find_psk(self, psk: PreSharedKeyID, store: PskStore) -> Secret | None:
        """The value of a pre-shared key: this group's own resumption keys, else the store's."""
        own = self._own_psk(psk)
        return store.find(psk) if own is None else own

    def has_psk(self, psk: PreSharedKeyID) -> bool:
        """Whether it is a resumption key of this group that I have from the group itself, and so
        the same for all members."""
        return self._own_psk(psk) is not None

    def _own_psk(self, psk: PreSharedKeyID) -> Secret | None:
        resumption = psk.resumption
        if resumption is None or resumption.psk_group_id != self.context.group_id:
            return None
        if resumption.psk_epoch == self.context.epoch:
            return self.secrets.resumption_psk
        return self.past_psks.get(resumption.psk_epoch)

    def transcript_with(self, commit: AuthenticatedContent) -> bytes:
        """The confirmed transcript hash of the epoch that a commit begins (8.2)."""
        return confirmed_transcript_hash(
            self.suite, self.interim_transcript_hash, commit.until_signature()
        )

    def next_past_psks(self) -> dict[int, Secret]:
        """What the next epoch keeps of `past_psks`, as copies of its own."""
        keep = self.policy.past_resumption_psks
        if keep == 0:
            return {}
        known = {**self.past_psks, self.context.epoch: self.secrets.resumption_psk}
        return {epoch: known[epoch].copy() for epoch in sorted(known)[-keep:]}

    def past_of_next(self, past: tuple[Epoch, ...]) -> tuple[Epoch, ...]:
        """What the next epoch keeps of this one and of the past ones, the latest first: messages
        can be read in them and nothing else. What is beyond them is wiped."""
        known, keep = (self, *past), self.policy.past_epochs
        for old in known[keep:]:
            old.wipe()
        if keep:
            self._keep_reading_only()
        return known[:keep]

    def _keep_reading_only(self) -> None:
        """Drop all but what late application messages need."""
        for field_ in fields(self.secrets):
            if field_.name != "sender_data_secret":
                getattr(self.secrets, field_.name).wipe()
        self.secret_tree.forget_handshakes()
        self._wipe_private()

    def _wipe_private(self) -> None:
        for secret in (*self.private.values(), *self.past_psks.values()):
            secret.wipe()
        self.private.clear()
        self.past_psks.clear()

    def wipe(self) -> None:
        """Drop every secret of this epoch. The signature key is not the epoch's, and stays."""
        self.secrets.wipe()
        self.secret_tree.wipe()
        self._wipe_private()


@dataclass(frozen=True, slots=True)
class Standpoint:
    """My place in an epoch: what a new epoch does not take from the key schedule."""

    suite: CipherSuite
    policy: Policy
    signer: SignatureKeyPair
    own_index: int
    private: Mapping[int, Secret]
    past_psks: Mapping[int, Secret] = field(default_factory=dict)


def begin_epoch(
    me: Standpoint,
    context: GroupContext,
    tree: RatchetTree,
    secrets: EpochSecrets,
    confirmation_tag: bytes,
    reinit: ReInit | None = None,
) -> Epoch:
    """An epoch from its parts."""
    suite = me.suite
    interim = interim_transcript_hash(suite, context.confirmed_transcript_hash, confirmation_tag)
    return Epoch(
        suite=suite,
        policy=me.policy,
        signer=me.signer,
        own_index=me.own_index,
        context=context,
        tree=tree,
        private=dict(me.private),
        secrets=secrets,
        secret_tree=SecretTree(suite, secrets.encryption_secret, tree.size, me.policy),
        confirmation_tag=confirmation_tag,
        interim_transcript_hash=interim,
        reinit=reinit,
        past_psks=dict(me.past_psks),
    )
