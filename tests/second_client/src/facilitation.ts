/** Seals and verdicts of facilitation that no command uses yet (docs/protocol.md, section 10). */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js"
import { x25519 } from "@noble/curves/ed25519.js"
import { ascii, type Bytes, H, hex, join, number, numberOf, same } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"
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

const SLOT = 81
const TAG = 16

export interface DeskPlace { position: number; slots: number }

/** The heartbeat's hash and what is said in a frame of the private line, for the facilitator of this place. */
export async function openFrame(
  pair: CryptoKeyPair, psk: Psk, frame: Omit<DeskFrame, "bodies">, place: DeskPlace, senderDesk: Bytes, blob: Bytes,
): Promise<Bytes> {
  const start = SLOT * place.slots
  const size = Math.floor((blob.length - start) / 2)
  const bodies = blob.slice(start, start + 2 * size)
  const sealed = blob.slice(SLOT * place.position, SLOT * (place.position + 1))
  const slot = await openSlot(pair, psk, { ...frame, bodies: H(bodies) }, senderDesk, sealed)
  demand(slot.length === 33 && slot[0]! <= 1, "bad_seal")
  const body = openBody(slot.slice(1), bodies.slice(slot[0]! * size, (slot[0]! + 1) * size))
  const length = numberOf(body.slice(32, 34))
  demand(34 + length <= size - TAG && body.slice(34 + length).every((byte) => byte === 0), "bad_padding")
  return join(body.slice(0, 32), body.slice(34, 34 + length))
}

function openBody(key: Bytes, sealed: Bytes): Bytes {
  try {
    return chacha20poly1305(key, new Uint8Array(12)).decrypt(sealed)
  } catch {
    throw new Fault("bad_seal")
  }
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
