/** A knock, and what is sealed in answer to it (docs/protocol.md, section 7). */
import { ascii, type Bytes, H, join } from "./bytes.ts"
import type { Invite } from "./invite.ts"
import { label } from "./labels.ts"
import { encode } from "./records.ts"
import { type Psk, seal, unseal } from "./seal.ts"

const NOTHING = new Uint8Array()

export const pskOf = (invite: Invite): Psk => ({ id: invite.door, key: invite.psk })

export interface Knock {
  name: string
  keyPackage: Bytes
  relayKey: Bytes
  replyKey: Bytes
  agreement: Bytes
}

export async function sealKnock(lobbyKey: Bytes, invite: Invite, id: Bytes, knock: Knock): Promise<Bytes> {
  const body = encode("KnockBody", {
    name: knock.name, key_package: knock.keyPackage, relay_key: knock.relayKey, reply_key: knock.replyKey,
    agreement: knock.agreement, answer: new Uint8Array(512),
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

/** Six digits for comparing elsewhere. */
export function shortCode(keyPackage: Bytes): string {
  const first = H(join(label("knock"), H(keyPackage))).slice(0, 8)
  return String(BigInt(`0x${Buffer.from(first).toString("hex")}`) % 1_000_000n).padStart(6, "0")
}
