/** The keys of facilitators that chain to a room id (docs/protocol.md, section 4). */
import { ascii, type Bytes, H, hex, join, same } from "./bytes.ts"
import { demand } from "./fault.ts"
import { unpackList } from "./lists.ts"
import { decode } from "./records.ts"
import { opened, signedOf } from "./signed.ts"

const MOST_APPOINTMENTS = 32

/** MLS key to relay key, in hex: all that were ever facilitators. */
export type Known = ReadonlyMap<string, string>

/** Check `signature ‖ Opening` against the room id: the first facilitator. Throws a `Fault`. */
export function chainOf(signedOpening: Bytes, room: Bytes): Known {
  const signed = signedOf(signedOpening)
  const rootKey = decode("Opening", signed.body).bytes("root_key")
  demand(same(H(join(ascii("alcove v1 room"), rootKey)), room), "wrong_room")
  const opening = opened(signed, "open", "Opening", rootKey)
  demand(same(opening.bytes("previous"), room), "wrong_room")
  return new Map([[hex(opening.bytes("mls_key")), hex(opening.bytes("relay_key"))]])
}

/** With these appointments, each by a key that is known already. Throws a `Fault`. */
export function extended(first: Known, appointments: Bytes, room: Bytes): Known {
  const known = new Map(first)
  for (const item of unpackList(appointments, MOST_APPOINTMENTS)) {
    const signed = signedOf(item)
    const appointer = decode("Appointment", signed.body).bytes("appointer")
    demand(known.has(hex(appointer)), "unknown_appointer")
    const said = opened(signed, "appoint", "Appointment", appointer)
    demand(same(said.bytes("room"), room), "wrong_room")
    known.set(hex(said.bytes("mls_key")), hex(said.bytes("relay_key")))
  }
  return known
}
