"""Mutants of what facilitators share: what a seal is bound to, and what of it is refused."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import order

SEALS: Final = "alcove.group.facilitator_seals"
VAULT: Final = "alcove.group.vault"
RIGHTS: Final = "alcove.group.rights"
HPKE: Final = "alcove.mls.hpke:Hpke"
KEM: Final = "alcove.mls.kem:DhKem"
_FILE: Final = "tests/vectors/test_vectors.py::test_the_code_judges_as_the_file_says"
_RFC: Final = "tests/client_sdk/mls/test_hpke.py::test_the_first_message_of_each_suite_and_mode"


def _sealed(where: str, old: str, new: str) -> Mutant:
    return order("seals", where, old, new, f"{_FILE}[seals]")


def _judged(where: str, old: str, new: str = "False") -> Mutant:
    return order("shared", where, old, new, f"{_FILE}[rights]")


_BELONGS: Final = (
    "(body.room, body.recipient, body.epoch) != (post.room, post.recipient, post.epoch)"
)

ONE_SEAL: Final = (
    _sealed(f"{SEALS}:VaultRoute.context", "self.sender + self.recipient", "self.sender"),
    _sealed(f"{SEALS}:VaultRoute.context", "self.sender + self.recipient", "self.recipient"),
    _sealed(f"{SEALS}:VaultRoute.context", "self.room + epoch", "epoch"),
    _sealed(f"{SEALS}:DeskFrame.context", " + self.bodies", ""),
    _sealed(f"{SEALS}:DeskFrame.context", " + tick", ""),
    _sealed(f"{SEALS}:DeskFrame.context", " + self.sender", ""),
    _sealed(f"{SEALS}:open_slot", "            sender=sender_desk_key,\n", ""),
    _sealed(f"{SEALS}:open_answer", "reply.room + reply.to", "reply.room"),
    _sealed(f"{SEALS}:open_talk", 'b"talk" + ', ""),
    order(
        "seals",
        f"{SEALS}:open_vault",
        "sealed[:EPOCH_SIZE] != psk.id or ",
        "",
        "tests/client_sdk/test_vault.py"
        "::test_a_vault_that_names_another_epoch_outside_does_not_open",
    ),
    order(
        "seals",
        f"{SEALS}:seal_vault",
        "    check_hpke_key(desk_key)\n",
        "",
        "tests/client_sdk/test_vault.py::test_nothing_is_sealed_to_a_key_that_opens_for_everybody",
    ),
    order("seals", f"{HPKE}._schedule", "_MODE_AUTH if authentic else _MODE_BASE", "0", _RFC),
    order(
        "seals",
        f"{KEM}.encapsulate_from",
        " + self._curve.exchange(sender, public)",
        "",
        _RFC,
    ),
    order("seals", f"{KEM}.decapsulate_from", " + exchange(private, sender_public)", "", _RFC),
    order(
        "seals",
        f"{KEM}.decapsulate_from",
        "output + public + sender_public",
        "output + public",
        _RFC,
    ),
    # judging a vault
    _judged(f"{VAULT}:judge_vault", "post.sender not in state.facilitator_keys()"),
    _judged(f"{VAULT}:judge_vault", " or post.sender == post.recipient", ""),
    *(
        _judged(f"{VAULT}:judge_vault", _BELONGS, left)
        for left in (
            "(body.room, body.recipient) != (post.room, post.recipient)",
            "(body.room, body.epoch) != (post.room, post.epoch)",
            "(body.recipient, body.epoch) != (post.recipient, post.epoch)",
        )
    ),
    _judged(f"{VAULT}:judge_vault", "body.counter <= newest", "body.counter < newest"),
    _judged(
        f"{VAULT}:judge_vault",
        "verify(VaultBody, Label.VAULT, signed, post.sender).statement",
        "VaultBody.decode(signed.body)",
    ),
    _judged(f"{VAULT}:_doors", "door in doors or ", ""),
    _judged(f"{VAULT}:_doors", " or door_id_of(room, secret) != door", ""),
    _judged(f"{VAULT}:Vault.is_complete", "self.lobby.public == state.lobby_key and ", ""),
    _judged(
        f"{VAULT}:Vault.is_complete",
        " and set(state.door_ids()) <= set(self.doors)",
        "",
    ),
    # judging a wish to step down
    *(
        _judged(
            f"{RIGHTS}:judge_step_down",
            "(said.room, said.mls_key, said.epoch) != (room, asker, epoch)",
            left,
        )
        for left in (
            "(said.room, said.mls_key) != (room, asker)",
            "(said.room, said.epoch) != (room, epoch)",
            "(said.mls_key, said.epoch) != (asker, epoch)",
        )
    ),
    _judged(
        f"{RIGHTS}:judge_step_down",
        "verify(StepDownStatement, Label.STEP_DOWN, signed, asker).statement",
        "StepDownStatement.decode(signed.body)",
    ),
    *(
        _judged(where, "except Malformed as error:", "except ZeroDivisionError as error:")
        for where in (f"{RIGHTS}:judge_step_down", f"{VAULT}:judge_vault")
    ),
    _judged(f"{RIGHTS}:judge_step_down", "not _facilitator(state, asker)"),
    _judged(f"{RIGHTS}:judge_step_down", "len(state.facilitator_list()) == 1"),
    _judged(f"{RIGHTS}:_judge_state", "not _facilitator(after, committer)"),
)
