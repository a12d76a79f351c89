/** Tickets: the way back for the same person (docs/protocol.md, section 10). */
import { hkdf } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { ascii, type Bytes, join, same } from "./bytes.ts"
import { demand } from "./fault.ts"
import { bytesOf, checkedOrigin, textOf } from "./invite.ts"
import { hashWith } from "./labels.ts"

export interface Ticket {
  room: Bytes
  secret: Bytes
  origin: string
  slot: Bytes
  token: Bytes
  key: Bytes
}

const PREFIX = "alcove-ticket-"
const LONGEST = 1000
/** Bytes that the check goes over, and with the check. */
const [CHECKED, FIXED] = [65, 69]

/** Read a ticket. Throws a `Fault` (`bad_ticket`). */
export function parseTicket(pasted: string): Ticket {
  const text = pasted.trim()
  demand(text.length <= LONGEST && text.startsWith(PREFIX), "bad_ticket")
  const bytes = bytesOf(text.slice(PREFIX.length), "bad_ticket")
  demand(bytes[0] === 1 && bytes.length >= FIXED, "bad_ticket")
  const [room, secret] = [bytes.slice(1, 33), bytes.slice(33, CHECKED)]
  const origin = checkedOrigin(textOf(bytes.slice(FIXED), "bad_ticket"), "bad_ticket")
  const check = hashWith("ticket", bytes.slice(0, CHECKED), ascii(origin)).slice(0, FIXED - CHECKED)
  demand(same(check, bytes.slice(CHECKED, FIXED)), "bad_ticket")
  const part = (name: string, size: number): Bytes =>
    hkdf(sha256, secret, undefined, join(ascii(`alcove v1 park ${name}`), room), size)
  return { room, secret, origin, slot: part("slot", 16), token: part("token", 32), key: part("key", 32) }
}
