/** A knock, and what is sealed in answer to it (docs/protocol.md, section 7). */
import { ascii, type Bytes, H, join } from "./bytes.ts"
import { demand } from "./fault.ts"
import type { Invite } from "./invite.ts"
import { label } from "./labels.ts"
import { encode } from "./records.ts"
import { type Psk, seal, unseal } from "./seal.ts"

const NOTHING = new Uint8Array()
const NO_WORD = new Uint8Array(32)
const ROUNDS = 600_000
const utf8 = new TextEncoder()

export const pskOf = (invite: Invite): Psk => ({ id: invite.door, key: invite.psk })

export interface Knock {
  name: string
  keyPackage: Bytes
  relayKey: Bytes
  replyKey: Bytes
  agreement: Bytes
  /** Of today's word (`wordKey`), or nothing. */
  word?: Bytes
}

export async function sealKnock(lobbyKey: Bytes, invite: Invite, id: Bytes, knock: Knock): Promise<Bytes> {
  const body = encode("KnockBody", {
    name: knock.name, key_package: knock.keyPackage, relay_key: knock.relayKey, reply_key: knock.replyKey,
    agreement: knock.agreement, answer: new Uint8Array(512), word: knock.word ?? NO_WORD,
  })
  const aad = join(invite.room, invite.door, id)
  return seal(lobbyKey, pskOf(invite), join(label("knock"), aad), aad, body)
}

/** Open what a facilitator answers: `what` is `welcome` or `refused`. Throws a `Fault`. */
export function openAnswer(
  what: "welcome" | "refused", reply: CryptoKeyPair, psk: Psk, room: Bytes, sealed: Bytes,
): Promise<Bytes> {
  return unseal(reply, psk, join(label("knock"), room, ascii(what)), NOTHING, sealed)
}

/** What a knock carries of the word that a person chose for today. Throws a `Fault` with `bad_word`. */
export async function wordKey(room: Bytes, name: string, typed: string): Promise<Bytes> {
  const small = (text: string) => text.normalize("NFKC").toLowerCase().normalize("NFKC")
  const word = small(typed).replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, "")
  const bytes = utf8.encode(word)
  demand([...typed].length <= 256 && [...word].length <= 64 && bytes.length >= 4, "bad_word")
  demand(word !== name.normalize("NFKC").toLowerCase(), "bad_word")
  const salt = new Uint8Array(join(ascii("alcove v1 word"), room, utf8.encode(name)))
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, key, 256))
}

/** Six digits for comparing elsewhere. */
export function shortCode(keyPackage: Bytes): string {
  const first = H(join(label("knock"), H(keyPackage))).slice(0, 8)
  return String(BigInt(`0x${Buffer.from(first).toString("hex")}`) % 1_000_000n).padStart(6, "0")
}
