"""Vectors of messages: messages, message-protection, welcome."""

from __future__ import annotations

import os

from alcove.mls import key_schedule
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.codec import Struct
from alcove.mls.credential import Credential
from alcove.mls.errors import InvalidMessage
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    PublicMessage,
    Sender,
    VerifiedContent,
    WireFormat,
    protect_public,
    sign_content,
    unprotect_public,
    unwrap,
    verify_content,
    wrap,
)
from alcove.mls.group_context import GroupContext
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.key_package import KeyPackage, KeyPackageBundle
from alcove.mls.nodes import Capabilities, LeafNode, LeafNodeSource
from alcove.mls.private_message import (
    PrivateMessage,
    no_padding,
    open_sender_data,
    protect_private,
    unprotect_private,
)
from alcove.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
    proposal_codec,
)
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret
from alcove.mls.secret_tree import SecretTree
from alcove.mls.treekem import Ciphertexts
from alcove.mls.welcome import GroupInfo, GroupSecrets, Welcome, decrypt_welcome

from tests.client_sdk.mls.vectors.case import POLICY, Case, equal, raw, secret, signer_of, suite_of

_MESSAGES: dict[str, tuple[WireFormat, type[Struct]]] = {
    "mls_welcome": (WireFormat.WELCOME, Welcome),
    "mls_group_info": (WireFormat.GROUP_INFO, GroupInfo),
    "mls_key_package": (WireFormat.KEY_PACKAGE, KeyPackage),
    "public_message_application": (WireFormat.PUBLIC_MESSAGE, PublicMessage),
    "public_message_proposal": (WireFormat.PUBLIC_MESSAGE, PublicMessage),
    "public_message_commit": (WireFormat.PUBLIC_MESSAGE, PublicMessage),
    "private_message": (WireFormat.PRIVATE_MESSAGE, PrivateMessage),
}
_STRUCTURES: dict[str, type[Struct]] = {
    "group_secrets": GroupSecrets,
    "add_proposal": Add,
    "update_proposal": Update,
    "remove_proposal": Remove,
    "pre_shared_key_proposal": PreSharedKey,
    "re_init_proposal": ReInit,
    "external_init_proposal": ExternalInit,
    "group_context_extensions_proposal": GroupContextExtensions,
    "commit": Commit,
}


def _write_anew(value: Struct) -> bytes:
    """The encoding from the fields alone, without what was kept from reading."""
    return Struct.encode(value) if isinstance(value, GroupInfo | KeyPackage) else value.encode()


def messages(case: Case) -> None:
    for name, (expected, kind) in _MESSAGES.items():
        wire_format, body = unwrap(raw(case[name]))
        equal(wire_format, expected, name)
        equal(wrap(wire_format, _write_anew(kind.decode(body))), case[name], name)
    for name, kind in _STRUCTURES.items():
        value = kind.decode(raw(case[name]))
        equal(_write_anew(value), case[name], name)
        if isinstance(value, Commit) and value.path is not None:
            for node in value.path.nodes:
                items = node.encrypted_path_secret.parse()
                again = Ciphertexts.of(list(items)).data
                equal(again, node.encrypted_path_secret.data, "path ciphertexts")
    tree = RatchetTree.decode(raw(case["ratchet_tree"]), POLICY.max_leaves)
    equal(tree.encode(), case["ratchet_tree"], "ratchet_tree")


_SENDER = 1


class _Protection:
    """A group of two, of which nothing is known but what the vector tells."""

    def __init__(self, case: Case) -> None:
        self.case, self.suite = case, suite_of(case)
        suite: CipherSuite = self.suite
        self.context = GroupContext(
            1,
            suite.number,
            raw(case["group_id"]),
            case["epoch"],
            raw(case["tree_hash"]),
            raw(case["confirmed_transcript_hash"]),
            (),
        )
        leaf = LeafNode(
            b"",
            raw(case["signature_pub"]),
            Credential.basic(b""),
            Capabilities(),
            LeafNodeSource.UPDATE,
            None,
            None,
            (),
            b"",
        )
        self.tree = RatchetTree([None, None, leaf])
        self.signer = signer_of(suite, case["signature_priv"])
        self.membership_key = secret(case["membership_key"])
        self.sender_data_secret = secret(case["sender_data_secret"])

    def secret_tree(self) -> SecretTree:
        return SecretTree(self.suite, secret(self.case["encryption_secret"]), 2, POLICY)

    def verify(self, content: AuthenticatedContent) -> VerifiedContent:
        return verify_content(self.suite, content, self.context, self.tree)

    def open_public(self, message: bytes) -> VerifiedContent:
        wire_format, body = unwrap(message)
        equal(wire_format, WireFormat.PUBLIC_MESSAGE, "wire format")
        public, context = PublicMessage.decode(body), self.context.encode()
        return self.verify(unprotect_public(self.suite, self.membership_key, public, context))

    def open_private(self, message: bytes) -> VerifiedContent:
        wire_format, body = unwrap(message)
        equal(wire_format, WireFormat.PRIVATE_MESSAGE, "wire format")
        private = PrivateMessage.decode(body)
        sender = open_sender_data(self.suite, self.sender_data_secret, private)
        equal(sender.leaf_index, _SENDER, "sender")
        opened = unprotect_private(self.suite, self.secret_tree(), sender, self.tree, private)
        return self.verify(opened.authenticated)

    def sign(self, body: bytes | Proposal | Commit, wire: WireFormat) -> AuthenticatedContent:
        kind = ContentType.PROPOSAL
        if isinstance(body, bytes | Commit):
            kind = ContentType.APPLICATION if isinstance(body, bytes) else ContentType.COMMIT
        content = FramedContent(
            self.context.group_id, self.context.epoch, Sender.member(_SENDER), b"", kind, body
        )
        context = self.context.encode()
        signature = sign_content(self.suite, self.signer, wire, content, context)
        tag = bytes(self.suite.size) if kind is ContentType.COMMIT else None
        return AuthenticatedContent(wire, content, signature, tag)

    def seal_public(self, body: bytes | Proposal | Commit) -> bytes:
        content, context = self.sign(body, WireFormat.PUBLIC_MESSAGE), self.context.encode()
        public = protect_public(self.suite, self.membership_key, content, context)
        return wrap(WireFormat.PUBLIC_MESSAGE, public.encode())

    def seal_private(self, body: bytes | Proposal | Commit) -> bytes:
        private = protect_private(
            self.suite,
            self.secret_tree(),
            self.sender_data_secret,
            self.sign(body, WireFormat.PRIVATE_MESSAGE),
            no_padding,
            POLICY,
            os.urandom,
        )
        return wrap(WireFormat.PRIVATE_MESSAGE, private.encode())


def protection(case: Case) -> None:
    group = _Protection(case)
    bodies: dict[str, bytes | Proposal | Commit] = {
        "proposal": proposal_codec.decode(raw(case["proposal"])),
        "commit": Commit.decode(raw(case["commit"])),
        "application": raw(case["application"]),
    }
    for name, body in bodies.items():
        equal(group.open_private(raw(case[f"{name}_priv"])).content.body, body, f"{name}_priv")
        sealed = group.seal_private(body)
        equal(group.open_private(sealed).content.body, body, f"{name}, protected")
        if name == "application":
            try:
                group.seal_public(body)
            except InvalidMessage:
                continue
            raise AssertionError("application data went out unencrypted")
        equal(group.open_public(raw(case[f"{name}_pub"])).content.body, body, f"{name}_pub")
        equal(group.open_public(group.seal_public(body)).content.body, body, f"{name}, public")


def welcome(case: Case) -> None:
    suite = suite_of(case)
    wire_format, body = unwrap(raw(case["key_package"]))
    equal(wire_format, WireFormat.KEY_PACKAGE, "key_package")
    package = KeyPackage.decode(body)
    init_keys = HpkeKeyPair(secret(case["init_priv"]), package.init_key)
    unknown = HpkeKeyPair(Secret(b""), package.leaf_node.encryption_key)
    bundle = KeyPackageBundle(suite, package, init_keys, unknown)
    wire_format, body = unwrap(raw(case["welcome"]))
    equal(wire_format, WireFormat.WELCOME, "welcome")
    opened = decrypt_welcome(Welcome.decode(body), bundle, lambda _psk: None, POLICY)
    info = opened.group_info
    suite.verify_with_label(raw(case["signer_pub"]), "GroupInfoTBS", info.tbs(), info.signature)
    context = info.group_context
    secrets = key_schedule.epoch_secrets(
        suite, opened.group_secrets.joiner_secret, suite.zeros(), context.encode()
    )
    tag = info.confirmation_tag
    confirmed = context.confirmed_transcript_hash
    assert suite.check_mac(secrets.confirmation_key, confirmed, tag), "confirmation_tag"
