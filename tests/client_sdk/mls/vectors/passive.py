"""Vectors of a passive client: it joins by a Welcome and follows the group, saying nothing."""

from __future__ import annotations

from alcove.mls.framing import WireFormat, unwrap
from alcove.mls.group import Group, StagedCommit
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.key_package import KeyPackage, KeyPackageBundle
from alcove.mls.messages import ReceivedProposal
from alcove.mls.psk import PskStore

from tests.client_sdk.mls.vectors.case import (
    NOW,
    POLICY,
    Case,
    equal,
    raw,
    secret,
    signer_of,
    suite_of,
)


def passive_client(case: Case) -> None:
    suite = suite_of(case)
    wire_format, body = unwrap(raw(case["key_package"]))
    equal(wire_format, WireFormat.KEY_PACKAGE, "key_package")
    package = KeyPackage.decode(body)
    signer = signer_of(suite, case["signature_priv"])
    equal(signer.public, package.leaf_node.signature_key, "signature_priv")
    for name, public in (
        ("init_priv", package.init_key),
        ("encryption_priv", package.leaf_node.encryption_key),
    ):
        equal(suite.hpke.kem.public_key(raw(case[name])), public, name)
    bundle = KeyPackageBundle(
        suite,
        package,
        HpkeKeyPair(secret(case["init_priv"]), package.init_key),
        HpkeKeyPair(secret(case["encryption_priv"]), package.leaf_node.encryption_key),
    )
    psks = PskStore({raw(item["psk_id"]): secret(item["psk"]) for item in case["external_psks"]})
    tree = raw(case["ratchet_tree"]) if case["ratchet_tree"] else None
    # No clock: the lifetimes in these files ended in 2024.
    group = Group.join(
        raw(case["welcome"]), bundle, signer, ratchet_tree=tree, psks=psks, policy=POLICY, now=NOW
    )
    equal(group.epoch_authenticator, case["initial_epoch_authenticator"], "initial authenticator")
    for number, epoch in enumerate(case["epochs"]):
        for proposal in epoch["proposals"]:
            received = group.receive(raw(proposal))
            assert isinstance(received, ReceivedProposal), f"epoch {number}: not a proposal"
        staged = group.receive(raw(epoch["commit"]), psks)
        assert isinstance(staged, StagedCommit), f"epoch {number}: not a commit"
        following = staged.merge()
        group.wipe()
        group = following
        authenticator = epoch["epoch_authenticator"]
        equal(group.epoch_authenticator, authenticator, f"epoch {number}: authenticator")
