/** What ends a membership, and what a member asks: good for this room and for now
    (docs/protocol.md, sections 8, 9 and 10). Each throws a `Fault`. */
import { type Bytes, H, hex, join, same, unhex } from "./bytes.ts"
import { holds, verifyBody } from "./ed25519.ts"
import { demand } from "./fault.ts"
import { label } from "./labels.ts"
import { decode, type Parsed } from "./records.ts"
import { facilitators, follow, removes, type Roster } from "./roster.ts"
import { isGoodReplyKey } from "./seal.ts"
import { opened, type Signed } from "./signed.ts"

/** The end of the room, for a client that follows this list. */
export function checkEnd(roster: Roster, signed: Signed): void {
  const message = join(label("end"), signed.body)
  const signer = facilitators(roster).find((key) => holds(unhex(key), message, signed.signature))
  demand(signer !== undefined, "bad_signature", "no facilitator's")
  const said = decode("EndStatement", signed.body)
  const here = same(said.bytes("room"), roster.room) && hex(said.bytes("relay_key")) === signer
  demand(here, "bad_statement", "another room or key")
  const counter = said.int("counter")
  demand(counter >= roster.counter, "bad_roster", "of earlier")
  demand(counter > roster.counter || same(said.bytes("head"), roster.head), "bad_roster", "another history")
}

/** The entry that removes a key. `base` is the last commit's position, `followed` the hashes of the
    entries that this client went over, in hex. */
export function checkRemoval(roster: Roster, signed: Signed, key: Bytes, base: Bytes, followed: Set<string>): void {
  const entry = decode("RosterEntry", signed.body)
  const signer = entry.bytes("signer")
  const known = same(entry.bytes("room"), roster.room) && facilitators(roster).includes(hex(signer))
  demand(known, "bad_roster", "another room or signer")
  verifyBody(signer, "roster", signed.body, signed.signature)
  demand(removes(entry, key), "bad_roster", "no removal")
  if (entry.int("counter") <= roster.counter) {
    const own = followed.has(hex(H(join(label("roster"), signed.body))))
    demand(own && !roster.list.has(hex(key)), "bad_roster", "the chain went another way")
    return
  }
  const at = entry.bytes("base")
  const sameLog = same(at.slice(0, 8), base.slice(0, 8))
  demand(!sameLog || hex(at) >= hex(base), "bad_roster", "it lost its race")
  if (entry.int("counter") === roster.counter + 1) follow(roster, signed)
}

/** What the state says of the member who asks. */
export interface Asker { room: Bytes; epoch: number; mlsKey: Bytes; leafKey: Bytes; seated: number }

/** A member's request to the facilitators. */
export function checkRequest(signed: Signed, sealedEpoch: number, asker: Asker): Parsed {
  const body = opened(signed, "request", "RequestBody", asker.mlsKey)
  demand(same(body.bytes("room"), asker.room), "room")
  demand(body.int("epoch") === sealedEpoch && sealedEpoch <= asker.epoch, "epoch")
  demand(body.int("counter") >= asker.seated, "counter")
  demand(same(body.bytes("leaf_key"), asker.leafKey), "leaf")
  demand(!body.has("reply_key") || isGoodReplyKey(body.bytes("reply_key")), "bad_field", "reply key")
  return body
}
