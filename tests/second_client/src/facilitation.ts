/** Seals and verdicts of facilitation that no command uses yet (docs/protocol.md, section 10). */
import { x25519 } from "@noble/curves/ed25519.js"
import { ascii, type Bytes, hex, join, number, same } from "./bytes.ts"
import { demand } from "./fault.ts"
import { hashWith, label } from "./labels.ts"
import { split } from "./lists.ts"
import type { Parsed } from "./records.ts"
import { facilitatorsOf } from "./rights.ts"
import { type Psk, unseal, unsealWhole } from "./seal.ts"
import { opened, type Signed } from "./signed.ts"

const VAULT_MOST = 4152

export async function openVault(
  pair: CryptoKeyPair, psk: Psk, room: Bytes, sender: Bytes, recipient: Bytes, sealed: Bytes,
): Promise<Bytes> {
  const epoch = sealed.slice(0, 8)
  demand(sealed.length <= VAULT_MOST && same(epoch, psk.id), "bad_seal")
  return unseal(pair, psk, join(label("vault"), room, epoch), join(sender, recipient), sealed.slice(8))
}

export interface DeskFrame { room: Bytes; epoch: number; sender: Bytes; tick: number; bodies: Bytes }

export async function openSlot(
  pair: CryptoKeyPair, psk: Psk, frame: DeskFrame, senderDesk: Bytes, sealed: Bytes,
): Promise<Bytes> {
  const at = join(frame.room, number(frame.epoch, 8))
  const aad = join(at, frame.sender, number(frame.tick, 8), frame.bodies)
  return unsealWhole(pair, psk, join(label("desk"), at), aad, sealed, senderDesk)
}

/** An answer to a standby or a lone facilitator, or a line of the talk at the door. */
export async function openReply(
  what: "answer" | "talk", pair: CryptoKeyPair, psk: Psk, room: Bytes, to: Bytes, sender: Bytes, sealed: Bytes,
): Promise<Bytes> {
  const info = what === "answer" ? join(label("standby"), room, to) : join(label("knock"), room, ascii("talk"), to)
  return unseal(pair, psk, info, sender, sealed)
}

/** Judge a wish to step down. Throws a `Fault`. */
export function judgeStepDown(state: Parsed, room: Bytes, epoch: number, asker: Bytes, signed: Signed): void {
  const said = opened(signed, "step down", "StepDownStatement", asker)
  demand(same(said.bytes("room"), room) && same(said.bytes("mls_key"), asker) && said.int("epoch") === epoch, "step_down")
  const facilitators = facilitatorsOf(state)
  demand(facilitators.has(hex(asker)), "not_facilitator")
  demand(facilitators.size > 1, "last_facilitator")
}

export interface Post { room: Bytes; epoch: number; sender: Bytes; recipient: Bytes; newest: number }

/** Judge a vault, and say whether it serves this state. Throws a `Fault`. */
export function judgeVault(state: Parsed, post: Post, signed: Signed): boolean {
  const { room, epoch, sender, recipient } = post
  demand(facilitatorsOf(state).has(hex(sender)) && !same(sender, recipient), "vault_sender")
  const said = opened(signed, "vault", "VaultBody", sender)
  demand(same(said.bytes("room"), room) && same(said.bytes("recipient"), recipient) && said.int("epoch") === epoch, "vault")
  demand(said.int("counter") > post.newest, "vault_counter")
  const doors = new Set<string>()
  for (const item of split(said.bytes("doors"), 40)) {
    const door = item.slice(0, 8)
    demand(!doors.has(hex(door)), "vault_door")
    demand(same(door, hashWith("door id", room, item.slice(8)).slice(0, 8)), "vault_door")
    doors.add(hex(door))
  }
  const fits = same(x25519.getPublicKey(said.bytes("lobby_private")), state.bytes("lobby_key"))
  return fits && split(state.bytes("doors"), 8).every((door) => doors.has(hex(door)))
}
