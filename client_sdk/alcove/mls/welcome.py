"""Welcome and GroupInfo (RFC 9420, sections 12.4.3 and 12.4.3.1): how new members come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alcove.mls import key_schedule, tree_math
from alcove.mls.ciphersuite import (
    CipherSuite,
    HpkeCiphertext,
    SignatureKeyPair,
    encrypt_context,
)
from alcove.mls.codec import (
    KeptStruct,
    Opaque,
    OpaqueSecret,
    Struct,
    Uint16,
    Uint32,
    opaque,
    opaque_codec,
)
from alcove.mls.epoch import Epoch
from alcove.mls.errors import (
    DecryptionFailed,
    InvalidGroupInfo,
    InvalidProposal,
    InvalidSignature,
    InvalidWelcome,
    MLSError,
    NotForThisKeyPackage,
    PskMissing,
    TooLarge,
)
from alcove.mls.framing import WireFormat, wrap
from alcove.mls.group_context import GroupContext
from alcove.mls.key_package import KeyPackageBundle
from alcove.mls.nodes import (
    MLS10,
    Extension,
    ExtensionType,
    ParentNode,
    find_extension,
    has_duplicates,
)
from alcove.mls.policy import Policy
from alcove.mls.proposal_list import check_extensions, check_psks
from alcove.mls.proposals import Add
from alcove.mls.psk import PreSharedKeyID, psk_secret
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Random, Scratch, Secret
from alcove.mls.transition import Transition
from alcove.mls.treekem import derive_path

_LABEL, _INFO_LABEL = "Welcome", "GroupInfoTBS"


@dataclass(frozen=True, slots=True)
class GroupInfo(KeptStruct):
    """`GroupInfo`. Unverified until its signature was checked against the tree."""

    group_context: GroupContext
    extensions: tuple[Extension, ...]
    confirmation_tag: Opaque
    signer: Uint32
    signature: Opaque

    def extension(self, kind: int) -> bytes | None:
        """The data of the extension of that type."""
        return find_extension(self.extensions, kind)

    def tbs(self) -> bytes:
        """`GroupInfoTBS`."""
        encoding = self.encode()
        return encoding[: len(encoding) - len(opaque(self.signature))]

    def external_pub(self) -> bytes | None:
        """The key for external joiners. The extension holds a length-prefixed vector, not the
        bare key (12.4.3.2). Raises `MalformedMessage`."""
        data = self.extension(ExtensionType.EXTERNAL_PUB)
        return None if data is None else opaque_codec.decode(data)


@dataclass(frozen=True, slots=True)
class PathSecret(Struct):
    """`PathSecret`."""

    path_secret: OpaqueSecret


@dataclass(frozen=True, slots=True)
class GroupSecrets(Struct):
    """`GroupSecrets`: what each new member gets for itself."""

    joiner_secret: OpaqueSecret
    path_secret: PathSecret | None
    psks: tuple[PreSharedKeyID, ...]

    def wipe(self) -> None:
        """Drop both secrets."""
        self.joiner_secret.wipe()
        if self.path_secret is not None:
            self.path_secret.path_secret.wipe()


@dataclass(frozen=True, slots=True)
class EncryptedGroupSecrets(Struct):
    """`EncryptedGroupSecrets`, for the owner of one KeyPackage."""

    new_member: Opaque
    encrypted_group_secrets: HpkeCiphertext


@dataclass(frozen=True, slots=True)
class Welcome(Struct):
    """`Welcome`."""

    cipher_suite: Uint16
    secrets: tuple[EncryptedGroupSecrets, ...]
    encrypted_group_info: Opaque


# -- making


def sign_group_info(
    suite: CipherSuite,
    signer: SignatureKeyPair,
    signer_index: int,
    context: GroupContext,
    extensions: tuple[Extension, ...],
    confirmation_tag: bytes,
) -> GroupInfo:
    """A signed GroupInfo."""
    unsigned = GroupInfo(context, extensions, confirmation_tag, signer_index, b"")
    signature = suite.sign_with_label(signer, _INFO_LABEL, unsigned.tbs())
    return GroupInfo(context, extensions, confirmation_tag, signer_index, signature)


def group_info(
    epoch: Epoch, extensions: tuple[Extension, ...], *, with_tree: bool, with_external_pub: bool
) -> GroupInfo:
    """The GroupInfo of an epoch, signed by me."""
    extra: list[Extension] = []
    if with_tree:
        extra.append(Extension(ExtensionType.RATCHET_TREE, epoch.tree.encode()))
    if with_external_pub:
        pair = key_schedule.external_key_pair(epoch.suite, epoch.secrets)
        pair.wipe()  # only its public half goes out
        extra.append(Extension(ExtensionType.EXTERNAL_PUB, opaque(pair.public)))
    extensions = (*extra, *extensions)
    if has_duplicates(extensions):
        raise InvalidGroupInfo("an extension occurs twice")
    return sign_group_info(
        epoch.suite,
        epoch.signer,
        epoch.own_index,
        epoch.context,
        extensions,
        epoch.confirmation_tag,
    )


def build_welcome(
    transition: Transition,
    random: Random,
    extensions: tuple[Extension, ...] = (),
    *,
    with_tree: bool = True,
) -> Welcome | None:
    """The Welcome of my own commit, for all that it adds. None when it adds no member."""
    epoch, joiner, psks = transition.next, transition.joiner_secret, transition.psk_secret
    if not transition.applied.added or epoch is None or joiner is None or psks is None:
        return None
    suite = epoch.suite
    info = group_info(epoch, extensions, with_tree=with_tree, with_external_pub=False)
    with Scratch() as scratch:
        secret = scratch.temporary(key_schedule.welcome_secret(suite, joiner, psks))
        key, nonce = key_schedule.welcome_key_and_nonce(suite, secret)
    sealed = suite.aead.seal(key, nonce, b"", info.encode())
    adds = [item.proposal for item in transition.proposals if isinstance(item.proposal, Add)]
    secrets = []
    # Hashed once: it contains the whole tree, and there is one box for each new member.
    seal = suite.hpke.sealer(encrypt_context(_LABEL, sealed))
    for index, add in zip(transition.applied.added, adds, strict=True):
        path = _path_secret_for(transition, index)
        plaintext = GroupSecrets(joiner, path, transition.applied.psks).encode()
        init_key = add.key_package.init_key
        box = HpkeCiphertext(*seal(init_key, plaintext, random))
        secrets.append(EncryptedGroupSecrets(add.key_package.ref(suite), box))
    return Welcome(suite.number, tuple(secrets), sealed)


def pack_welcome(
    transition: Transition,
    policy: Policy,
    random: Random,
    extensions: tuple[Extension, ...],
    *,
    with_tree: bool,
) -> bytes | None:
    """The `MLSMessage` of that Welcome. Raises `TooLarge`."""
    welcome = build_welcome(transition, random, extensions, with_tree=with_tree)
    if welcome is None:
        return None
    message = wrap(WireFormat.WELCOME, welcome.encode())
    if len(message) > policy.max_message:
        raise TooLarge("Welcome")
    return message


def _path_secret_for(transition: Transition, leaf_index: int) -> PathSecret | None:
    """The path secret of the lowest node that a new member shares with the committer. New leaves
    get no path ciphertext. This is how they learn the new keys above them."""
    if transition.path is None:
        return None
    shared = tree_math.common_ancestor(2 * leaf_index, 2 * transition.committer)
    for step, secret in zip(transition.path.steps, transition.path.secrets.secrets, strict=True):
        if step.node == shared:
            return PathSecret(secret)
    return None


# -- joining


@dataclass(frozen=True, slots=True)
class OpenedWelcome:
    """A decrypted Welcome. The GroupInfo is not verified yet."""

    suite: CipherSuite
    group_info: GroupInfo
    group_secrets: GroupSecrets
    psk_secret: Secret
    founding: PreSharedKeyID | None = field(default=None)
    """The PSK that says that this group continues another (11.2, 11.3)."""

    def wipe(self) -> None:
        """Drop what the Welcome brought, once the epoch is derived or refused."""
        self.group_secrets.wipe()
        self.psk_secret.wipe()


def decrypt_welcome(
    welcome: Welcome,
    bundle: KeyPackageBundle,
    find_psk: Callable[[PreSharedKeyID], Secret | None],
    policy: Policy,
) -> OpenedWelcome:
    """Find and decrypt what is for this KeyPackage. Raises `InvalidWelcome` errors or
    `MalformedMessage`. A Welcome is judged as the commit was: no key twice, and no more than a
    commit may name."""
    suite = bundle.suite
    if welcome.cipher_suite != suite.number:
        raise NotForThisKeyPackage("another ciphersuite")
    ref = bundle.key_package.ref(suite)
    mine = next((item for item in welcome.secrets if item.new_member == ref), None)
    if mine is None:
        raise NotForThisKeyPackage
    with Scratch() as scratch:
        try:
            context, box = welcome.encrypted_group_info, mine.encrypted_group_secrets
            opened = suite.decrypt_with_label(bundle.init_keys, _LABEL, context, box)
            scratch.temporary(opened)
            secrets = scratch.result(GroupSecrets.decode(opened.expose()))
            check_psks(secrets.psks, policy)
            founding = _founding(secrets.psks)
            psks = scratch.result(_psk_secret(suite, secrets, find_psk))
            welcome_secret = key_schedule.welcome_secret(suite, secrets.joiner_secret, psks)
            scratch.temporary(welcome_secret)
            key, nonce = key_schedule.welcome_key_and_nonce(suite, welcome_secret)
            info = suite.open_sealed(key, nonce, b"", welcome.encrypted_group_info)
        except DecryptionFailed as error:
            raise InvalidWelcome("it does not open") from error
        except InvalidProposal as error:
            raise InvalidWelcome(error.detail) from error
        return OpenedWelcome(suite, GroupInfo.decode(info), secrets, psks, founding)


def _psk_secret(
    suite: CipherSuite,
    secrets: GroupSecrets,
    find_psk: Callable[[PreSharedKeyID], Secret | None],
) -> Secret:
    """`psk_secret` of the keys that the Welcome names. Raises `PskMissing`."""
    found = []
    for psk in secrets.psks:
        value = find_psk(psk)
        if value is None:
            raise PskMissing
        found.append((psk, value))
    return psk_secret(suite, found)


def _founding(psks: tuple[PreSharedKeyID, ...]) -> PreSharedKeyID | None:
    """The PSK of usage reinit or branch, of which there may be one (12.4.3.1)."""
    found = [psk for psk in psks if psk.founds_a_group]
    if len(found) > 1:
        raise InvalidWelcome("several pre-shared keys for founding a group")
    return found[0] if found else None


def check_group_info(
    suite: CipherSuite, info: GroupInfo, tree: RatchetTree, policy: Policy
) -> None:
    """The signature, by the leaf that `signer` names, and the form of the context. A joiner judges
    the context's extensions as a member judges a proposal of them. Raises `InvalidGroupInfo`."""
    context = info.group_context
    if context.version != MLS10 or context.cipher_suite != suite.number:
        raise InvalidGroupInfo("another version or ciphersuite")
    if has_duplicates(info.extensions):
        raise InvalidGroupInfo("an extension occurs twice")
    try:
        check_extensions(suite, context.extensions, policy)
    except MLSError as error:
        raise InvalidGroupInfo(error.detail) from error
    leaf = tree.leaf(info.signer)
    if leaf is None:
        raise InvalidGroupInfo("its signer is no member")
    try:
        suite.verify_with_label(leaf.signature_key, _INFO_LABEL, info.tbs(), info.signature)
    except InvalidSignature as error:
        raise InvalidGroupInfo("the signature does not verify") from error


def joiner_keys(
    suite: CipherSuite,
    tree: RatchetTree,
    own_index: int,
    signer: int,
    leaf_private: Secret,
    path_secret: PathSecret | None,
) -> dict[int, Secret]:
    """A new member's private keys: its leaf's, and those that the path secret derives, each
    compared with the tree. Raises `InvalidWelcome`."""
    with Scratch() as scratch:
        keys = {2 * own_index: scratch.result(leaf_private.copy())}
        if path_secret is not None:
            above = _keys_above(suite, tree, own_index, signer, path_secret)
            keys.update(scratch.results(above))
        for index in tree_math.direct_path(2 * own_index, tree.size):
            node = tree.nodes[index]
            must_know = isinstance(node, ParentNode) and own_index not in node.unmerged_leaves
            if must_know and index not in keys:
                # Others would encrypt to this node and count on me to read it.
                raise InvalidWelcome("keys above the new member are missing")
        return keys


def _keys_above(
    suite: CipherSuite, tree: RatchetTree, own_index: int, signer: int, path_secret: PathSecret
) -> dict[int, Secret]:
    """The keys from the lowest node shared with the committer up to the root."""
    shared = tree_math.common_ancestor(2 * own_index, 2 * signer)
    above = (shared, *tree_math.direct_path(shared, tree.size))
    filled = [index for index in above if tree.nodes[index] is not None]
    if shared not in filled:
        raise InvalidWelcome("a path secret for a blank node")
    derived = derive_path(suite, path_secret.path_secret, len(filled))
    keys = {}
    for index, pair in zip(filled, derived.keys, strict=True):
        node = tree.nodes[index]
        if node is None or node.encryption_key != pair.public:
            derived.wipe_all()
            raise InvalidWelcome("a path secret of other keys than the tree's")
        keys[index] = pair.private
    derived.wipe()
    derived.commit_secret.wipe()
    return keys
