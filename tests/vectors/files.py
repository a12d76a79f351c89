"""The files: what each is about, what makes its cases, and what checks one."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.vectors import client, ed25519, names, records, statements, wire
from tests.vectors.parts import Case


@dataclass(frozen=True, slots=True)
class VectorFile:
    """One file of `protocol/vectors`."""

    about: str
    cases: Callable[[], list[Case]]
    check: Callable[[Case], None]

    def text(self) -> str:
        """The file, one case a line."""
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in self.cases())
        about = json.dumps(self.about, ensure_ascii=False)
        return f'{{"about": {about}, "cases": [\n{lines}\n]}}\n'


FILES = {
    "records": VectorFile(
        "`reader` decodes `bytes`; `code` is the fault, or null when it is taken.",
        records.cases,
        records.check,
    ),
    "invites": VectorFile(
        "`url` is read as an invite; `code` is the fault, or null with what it holds and gives.",
        wire.invites,
        wire.check_invite,
    ),
    "tickets": VectorFile(
        "`text` is read as a ticket; `code` is the fault, or null with what it holds and gives.",
        wire.tickets,
        wire.check_ticket,
    ),
    "padding": VectorFile(
        "`padded` is read; `code` is the fault, or null with the content.",
        wire.paddings,
        wire.check_padding,
    ),
    "hashes": VectorFile(
        "The log hash after each blob (class, bytes), agreement hashes and short codes; and what a "
        "knock carries of a `word` (`key`), or the `code` of what is none.",
        wire.hashes,
        wire.check_hash,
    ),
    "roster": VectorFile(
        "`opening` and `entries` (signature ‖ body) are followed from `room` on; `code` is the "
        "fault of the last, or null with what results.",
        wire.rosters,
        wire.check_roster,
    ),
    "ed25519": VectorFile(
        "`signature` by `key` over label ‖ body holds or does not: cofactorless, canonical S and "
        "R, no key and no R of small order.",
        ed25519.cases,
        ed25519.check,
    ),
    "seals": VectorFile(
        "`sealed` opens to `opened`, or does not open (null).", client.seals, client.check_seal
    ),
    "statements": VectorFile(
        "`signed` (signature ‖ body) is judged by a client that followed `entries`, or as a "
        "request in the state that is given; `code` says why it counts for nothing, or null.",
        statements.cases,
        statements.check,
    ),
    "rights": VectorFile(
        "`state`: a commit from the state before to the state after is burned with `code`, or "
        "null. `act`: a member may send a message of this kind, or may not. `vault` and "
        "`step down`: `signed` is refused with `code`, or null; a vault that is `complete` serves "
        "the state. `ask`: what a standby `signed` is answered, or refused with `code`. `enters`: "
        "an external commit whose new leaf has `mls_key` and the extension `leaf` is burned with "
        "`code`, or null; `lists`: so is that leaf's first commit, by the state before and after.",
        client.rights,
        client.check_right,
    ),
    "names": VectorFile(
        "`text` is judged as a name: `code` is the fault, or null with its one spelling. Or two "
        "names look `alike`, or not.",
        names.cases,
        names.check,
    ),
}
