/** Invite links (docs/protocol.md, section 4). */
import { hkdf } from "@noble/hashes/hkdf.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { ascii, type Bytes, join, same } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"
import { hashWith } from "./labels.ts"

export interface Invite {
  role: number
  door: Bytes
  room: Bytes
  doorSeed: Bytes
  psk: Bytes
  cardKey: Bytes
  /** Of a standby's link. */
  standby?: { mlsSeed: Bytes; relaySeed: Bytes; hpkeInput: Bytes; psk: Bytes }
  /** `scheme://host[:port]` of the relay. */
  origin: string
}

const LONGEST = 1000
/** Bytes that the check goes over, and with the check. */
const [CHECKED, FIXED] = [74, 78]

/** Base64url without padding characters. Throws a `Fault` with this code. */
export function bytesOf(text: string, code: string): Bytes {
  demand(/^[A-Za-z0-9_-]+$/.test(text), code)
  const bytes = new Uint8Array(Buffer.from(text, "base64url"))
  // Leftover bits that are not zero would make two texts of one content.
  demand(Buffer.from(bytes).toString("base64url") === text, code)
  return bytes
}

/** The origin as a browser writes it: what another spelling says is refused. */
export function checkedOrigin(written: string, code: string): string {
  let url: URL
  try {
    url = new URL(written)
  } catch {
    throw new Fault(code)
  }
  demand(["http:", "https:"].includes(url.protocol) && url.origin === written, code)
  demand(!url.hostname.endsWith("."), code)
  return written
}

export function textOf(bytes: Bytes, code: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Fault(code)
  }
}

/** Read a link. Throws a `Fault` (`bad_invite`, `invite_version`). */
export function parseInvite(pasted: string): Invite {
  const link = pasted.trim()
  demand(link.length <= LONGEST, "bad_invite")
  const [before, fragment, ...rest] = link.split("#")
  demand(fragment !== undefined && rest.length === 0, "bad_invite")
  const bytes = bytesOf(fragment, "bad_invite")
  demand(bytes[0] === 1, bytes[0]! > 1 ? "invite_version" : "bad_invite")
  demand(bytes.length >= FIXED && (bytes[1] === 0 || bytes[1] === 2), "bad_invite")
  const [door, room, secret] = [bytes.slice(2, 10), bytes.slice(10, 42), bytes.slice(42, 74)]
  demand(same(door, hashWith("door id", room, secret).slice(0, 8)), "bad_invite")
  const host = /^[a-z]+:\/\/[^/]*/.exec(before!)
  demand(host !== null, "bad_invite")
  const page = checkedOrigin(host[0], "bad_invite")
  const origin = bytes.length === FIXED ? page : checkedOrigin(textOf(bytes.slice(FIXED), "bad_invite"), "bad_invite")
  const check = hashWith("invite", bytes.slice(0, CHECKED), ascii(origin)).slice(0, FIXED - CHECKED)
  demand(same(check, bytes.slice(CHECKED, FIXED)), "bad_invite")
  const key = (name: string): Bytes => hkdf(sha256, secret, undefined, join(ascii(`alcove v1 ${name}`), room, door), 32)
  const invite = { role: bytes[1]!, door, room, doorSeed: key("door"), psk: key("lobby psk"), cardKey: key("card"), origin }
  if (invite.role !== 2) return invite
  const [mlsSeed, relaySeed, hpkeInput, psk] = ["mls", "relay", "hpke", "psk"].map((name) => key(`standby ${name}`))
  return { ...invite, standby: { mlsSeed: mlsSeed!, relaySeed: relaySeed!, hpkeInput: hpkeInput!, psk: psk! } }
}
