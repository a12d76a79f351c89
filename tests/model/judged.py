"""Commits of the model, made with real MLS groups and judged by the real `judge`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Final

from alcove import mls
from alcove.group.admission import leaf_lifetime, room_policy
from alcove.group.extensions import (
    LEAF_EXTENSION,
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    capabilities,
    group_extensions,
)
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.rights import NotAllowed, judge
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import VERSION, Label
from alcove_protocol.records import AtMost
from alcove_protocol.statements import APPOINTMENT_SIZE, Appointment, Signed

from tests.model.judging import OWN, Appointed, Commit, Edit, Leaf, State, World
from tests.randomness import seeded

NOW: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class WideExtension(RoomExtension):
    """A state with more appointments than a room has."""

    appointments: Annotated[bytes, AtMost(2 * limits.APPOINTMENTS * APPOINTMENT_SIZE)]


class Played:
    """One group, and all its members' clients."""

    def __init__(self, world: World) -> None:
        self._random = seeded()
        suite = mls.ciphersuite(ROOM_SUITE)
        self._people = {key: Identity.generate(key, suite, self._random) for key in OWN}
        self._relays = {own: self._people[key].relay.public for key, own in OWN.items()}
        self._relays["x"] = self._random(32)
        self._room = self._random(32)
        # A line that leads to the model's first facilitator, so that all of it is needed.
        line = [self._random(32) for _ in range(limits.APPOINTMENTS - world.cap)]
        line.append(self._people["A"].signature.public)
        steps = (Appointment(self._room, by, key, key) for by, key in pairwise(line))
        self._earlier = [Signed(step.encode(), bytes(64)) for step in steps]
        self._lobby = self._new_key()
        self.state = world.start
        first = self._people["A"]
        self.groups = {
            "A": mls.Group.create(
                suite,
                self._room,
                first.signature,
                mls.Credential.basic(b"A"),
                capabilities(suite),
                self._leaf(Leaf("A", "a")),
                self._context(world.start),
                self._random,
                policy=room_policy(50),
                lifetime=leaf_lifetime(NOW),
                now=NOW,
            )
        }
        others = sorted(world.start.members() - {"A"})
        bundles = {key: self._bundle(Leaf(key, OWN[key])) for key in others}
        staged = self.groups["A"].commit(
            [mls.Add(bundle.key_package) for bundle in bundles.values()], now=NOW
        )
        self._merge("A", {"A": staged}, staged.welcome, bundles)

    # --- the bytes of the model's words --------------------------------------------------------

    def _new_key(self) -> bytes:
        return mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random).public

    def _sign(self, by: str, key: bytes, relay: bytes, fault: str) -> Signed:
        signer = self._people[by].mls_signer()
        room = bytes(32) if fault == "elsewhere" else self._room
        signed = signer.sign(Label.APPOINT, Appointment(room, signer.public, key, relay))
        return Signed(signed.body, bytes(64)) if fault == "forged" else signed

    def _appointment(self, one: Appointed) -> Signed:
        key = self._people[one.key].signature.public
        return self._sign(one.by, key, self._relays[one.relay], one.fault)

    def _extension(self, state: State) -> WideExtension:
        listed = (
            FacilitatorKeys(self._people[keys.key].signature.public, self._relays[keys.relay])
            for keys in sorted(state.listed)
        )
        chain = [*self._earlier, *map(self._appointment, state.chain)]
        return WideExtension(
            version=VERSION,
            facilitators=b"".join(keys.encode() for keys in listed),
            appointments=pack_list([signed.encode() for signed in chain]),
            lobby_key=self._lobby,
            agreement_version=state.version,
            agreement=agreement(state.agreement),
            paused=b"",
            doors=b"",
            locked=False,
            listen_only=False,
            slow=0,
            ttl=1800,
            facilitators_start=2 if "fixed" in state.context else 1,
            corrected=b"".join(map(agreement, state.corrected)),
        )

    def _context(self, state: State) -> tuple[mls.Extension, ...]:
        extensions = group_extensions(self._extension(state))
        if "senders" not in state.context:
            return extensions
        outside = mls.ExternalSender(
            self._people["D"].signature.public, mls.Credential.basic(b"outside")
        )
        return (*extensions, mls.encode_external_senders((outside,)))

    def _leaf(self, leaf: Leaf) -> tuple[mls.Extension, ...]:
        content = LeafExtension(
            VERSION,
            self._relays[leaf.relay],
            self._people[leaf.key].desk.public,
            agreement(leaf.agreed),
        )
        if leaf.appointed:
            signed = self._appointment(Appointed("A", leaf.key, leaf.relay))
            content = replace(content, appointment=signed.encode())
        return (mls.Extension(LEAF_EXTENSION, content.encode()),)

    def _bundle(self, leaf: Leaf) -> mls.KeyPackageBundle:
        person = self._people[leaf.key]
        return mls.KeyPackageBundle.create(
            person.suite,
            person.signature,
            mls.Credential.basic(person.name.encode()),
            capabilities(person.suite),
            leaf_lifetime(NOW),
            leaf_extensions=self._leaf(leaf),
            rng=self._random,
        )

    # --- commits -------------------------------------------------------------------------------

    def judged(self, commit: Commit, after: State) -> str | None:
        """The code with which every member alike refuses a commit. They follow one that they do
        not refuse, and None is returned."""
        lobby = self._lobby
        if any(edit.kind in ("lobby", "demote") for edit in commit.edits):
            self._lobby = self._new_key()
        leaves = {leaf.key: leaf for leaf in after.leaves}
        carried = [self._proposal(commit, edit, leaves) for edit in commit.edits]
        messages = [message for message in carried if message is not None]
        bundles = {
            edit.key: self._bundle(leaves[edit.key])
            for edit in commit.edits
            if edit.kind in ("add", "rejoin")
        }
        staged = self._staged(commit, after, bundles, messages)
        codes, following = set[str | None](), {commit.author: staged}
        if commit.author in self.groups:
            codes.add(refusal(self.groups[commit.author], staged))
        for key, group in self.groups.items():
            if key != commit.author:
                try:
                    following[key] = self._received(group, staged.message, messages)
                    codes.add(None)
                except NotAllowed as error:
                    codes.add(error.code)
        (code,) = codes
        if code is None:
            self.state = after
            self._merge(commit.author, following, staged.welcome, bundles)
        else:
            self._lobby = lobby
            staged.drop()
        return code

    def _received(
        self, group: mls.Group, message: bytes, proposals: list[bytes]
    ) -> mls.StagedCommit:
        staged = group.receive(
            message,
            approve=lambda seen: judge(group, seen),
            carried=[group.read_proposal(one) for one in proposals],
        )
        assert isinstance(staged, mls.StagedCommit)
        return staged

    def _proposal(self, commit: Commit, edit: Edit, leaves: dict[str, Leaf]) -> bytes | None:
        """What another member proposes."""
        if edit.kind == "update":
            return self.groups[edit.key].propose_update(self._leaf(leaves[edit.key]))
        if edit.kind == "refer":
            asker = next(key for key in self.groups if key != commit.author)
            return self.groups[asker].propose(self._remove(edit.key), now=NOW)
        return None

    def _remove(self, key: str) -> mls.Remove:
        index = self.groups[key].own_index
        return mls.Remove(index)

    def _staged(
        self,
        commit: Commit,
        after: State,
        bundles: dict[str, mls.KeyPackageBundle],
        messages: list[bytes],
    ) -> mls.StagedCommit:
        leaves = {leaf.key: leaf for leaf in after.leaves}
        kinds = {edit.kind for edit in commit.edits}
        if "enter" in kinds:
            return self._from_outside(leaves[commit.author])
        group = self.groups[commit.author]
        proposals = list(self._values(commit, bundles))
        context = self._context(after)
        if "end" in kinds:
            proposals = [mls.ReInit(b"elsewhere", 1, ROOM_SUITE, group.context.extensions)]
        elif context != group.context.extensions:
            proposals.append(mls.GroupContextExtensions(context))
        return group.commit(
            proposals,
            force_path="end" not in kinds,
            leaf_extensions=self._leaf(leaves[commit.author]) if "path" in kinds else None,
            carried=[group.read_proposal(one) for one in messages],
            now=NOW,
        )

    def _values(
        self, commit: Commit, bundles: dict[str, mls.KeyPackageBundle]
    ) -> Iterator[mls.Proposal]:
        for edit in commit.edits:
            if edit.kind in ("remove", "rejoin"):
                yield self._remove(edit.key)
            if edit.kind in ("add", "rejoin"):
                yield mls.Add(bundles[edit.key].key_package)

    def _from_outside(self, leaf: Leaf) -> mls.StagedCommit:
        person = self._people[leaf.key]
        return mls.Group.join_externally(
            next(iter(self.groups.values())).group_info(),
            person.signature,
            mls.Credential.basic(person.name.encode()),
            capabilities(person.suite),
            self._leaf(leaf),
            self._random,
            policy=room_policy(50),
            now=NOW,
        )

    def _merge(
        self,
        author: str,
        following: dict[str, mls.StagedCommit],
        welcome: bytes | None,
        bundles: dict[str, mls.KeyPackageBundle],
    ) -> None:
        self.groups = {}
        for key, staged in following.items():
            with suppress(mls.RemovedFromGroup):
                self.groups[key] = staged.merge()
        for key, bundle in bundles.items():
            assert welcome is not None
            person = self._people[key]
            self.groups[key] = mls.Group.join(
                welcome, bundle, person.signature, self._random, policy=room_policy(50), now=NOW
            )


def agreement(number: int) -> bytes:
    """The hash of the agreement with this number."""
    return sha256(str(number).encode()).digest()


def refusal(group: mls.Group, staged: mls.CommitView) -> str | None:
    """The code with which the rights refuse a commit."""
    try:
        judge(group, staged)
    except NotAllowed as error:
        return error.code
    return None
