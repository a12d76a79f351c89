/** A room's standby: what a commit may do to it, asks, entries and listings (docs/protocol.md, sections 10, 11). */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js"
import { ed25519 } from "@noble/curves/ed25519.js"
import { isGood } from "./agreements.ts"
import { type Bytes, hex, join, number, same, unhex } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"
import type { Invite } from "./invite.ts"
import { label } from "./labels.ts"
import { packList, unpackList } from "./lists.ts"
import { unpad } from "./padding.ts"
import { decode, encode, type Parsed } from "./records.ts"
import { facilitatorsOf } from "./rights.ts"
import { derivedPair, publicBytes } from "./seal.ts"
import { opened, type Signed, signedOf } from "./signed.ts"

const MOST_APPOINTMENTS = 32
const MOST_FACILITATORS = 8

/** The link's MLS key and relay key in the state. Undefined without a standby. */
export function standbyOf(state: Parsed): { mls: Bytes; relay: Bytes; all: Bytes } | undefined {
  const all = state.fields["standby"]
  if (!(all instanceof Uint8Array)) return undefined
  return { mls: all.slice(0, 32), relay: all.slice(32, 64), all }
}

/** The standby that a commit sets. Undefined when it sets none. */
export function newStandby(before: Parsed, after: Parsed): { mls: Bytes; relay: Bytes } | undefined {
  const [old, now] = [standbyOf(before), standbyOf(after)]
  return now !== undefined && (old === undefined || !same(old.all, now.all)) ? now : undefined
}

/** Judge the standby of the state afterwards. Throws a `Fault` with the rule that burns the commit. */
export function judgeStandby(before: Parsed, after: Parsed, facilitators: Map<string, string>): void {
  const standby = standbyOf(after)
  if (standby === undefined) return
  const said = (state: Parsed): Parsed[] =>
    unpackList(state.bytes("appointments"), MOST_APPOINTMENTS).map((item) => decode("Appointment", signedOf(item).body))
  const all = said(after)
  demand(all.length < MOST_APPOINTMENTS && facilitators.size < MOST_FACILITATORS, "standby_place")
  if (newStandby(before, after) === undefined) {
    const by = all.find((one) => same(one.bytes("mls_key"), standby.mls))
    demand(by !== undefined && facilitators.has(hex(by.bytes("appointer"))), "standby_appointer")
    return
  }
  const own = [hex(standby.mls), hex(standby.relay)]
  const known = said(before).flatMap((one) => ["mls_key", "relay_key", "appointer"].map((name) => hex(one.bytes(name))))
  demand(!known.some((key) => own.includes(key)), "standby_key")
}

/** MLS key ‖ relay key ‖ HPKE key ‖ psk of a standby's link, as the room's state has them. */
export async function keysOfLink(invite: Invite): Promise<Bytes> {
  const { mlsSeed, relaySeed, hpkeInput, psk } = invite.standby!
  const box = await publicBytes(await derivedPair(hpkeInput))
  return join(ed25519.getPublicKey(mlsSeed), ed25519.getPublicKey(relaySeed), box, psk)
}

/** Judge an ask that the relay told under this id, from this relay key: a facilitator's, or the standby's. Throws a
    `Fault`. */
export function judgeAsk(state: Parsed, room: Bytes, id: Bytes, key: Bytes, signed: Signed): void {
  const standby = standbyOf(state)
  const listed = [...facilitatorsOf(state)].find(([, relay]) => relay === hex(key))
  const asker = listed === undefined ? standby?.mls : unhex(listed[0])
  demand(asker !== undefined, "bad_statement")
  const said = opened(signed, "standby", "AskStatement", asker)
  const fits = same(said.bytes("room"), room) && same(said.bytes("id"), id) && same(said.bytes("relay_key"), key)
  demand(fits && said.has("epoch") === (listed !== undefined), "bad_statement")
}

/** Judge the leaf of an external commit, with this MLS key and extension. Throws a `Fault`. */
export function judgeEntry(room: Bytes, mls: Bytes, leaf: Parsed, before: Parsed): void {
  const standby = standbyOf(before)
  demand(standby !== undefined && leaf.has("appointment"), "committer")
  const signed = signedOf(leaf.bytes("appointment"))
  const claimed = decode("Appointment", signed.body)
  demand(same(claimed.bytes("room"), room) && same(claimed.bytes("appointer"), standby.mls), "appointment")
  demand(same(claimed.bytes("mls_key"), mls) && same(claimed.bytes("relay_key"), leaf.bytes("relay_key")), "appointment")
  opened(signed, "appoint", "Appointment", standby.mls)
  demand(isGood(before, leaf.bytes("agreement")), "agreement_not_accepted")
}

/** Judge how the first commit of such a leaf changes the state. Throws a `Fault`. */
export function judgeListing(before: Parsed, after: Parsed, mls: Bytes, leaf: Parsed): void {
  const { standby: _spent, ...kept } = before.fields
  const expected = encode("RoomExtension", {
    ...kept,
    facilitators: join(before.bytes("facilitators"), mls, leaf.bytes("relay_key")),
    appointments: join(before.bytes("appointments"), packList([leaf.bytes("appointment")])),
    lobby_key: after.bytes("lobby_key"),
    doors: new Uint8Array(),
    desk_interval: after.int("desk_interval"),
    desk_size: after.int("desk_size"),
  })
  demand(same(expected, encode("RoomExtension", after.fields)), "standby_listing")
  demand(!same(after.bytes("lobby_key"), before.bytes("lobby_key")), "standby_listing")
}

/** The external commit in a blob of class 4, by the wrapping key of its epoch. Throws a `Fault`. */
export function unwrapExternal(key: Bytes, room: Bytes, epoch: number, blob: Bytes): Bytes {
  demand(blob.length >= 40, "bad_seal")
  const aad = join(label("standby"), room, number(epoch, 8))
  try {
    return unpad(xchacha20poly1305(key, blob.slice(0, 24), aad).decrypt(blob.slice(24)))
  } catch {
    throw new Fault("bad_seal")
  }
}
