/** The rules by which every member judges every commit (docs/protocol.md, section 11). */
import { judgeAgreement } from "./agreements.ts"
import { type Bytes, hex, join, number, same, zeros } from "./bytes.ts"
import { demand } from "./fault.ts"
import { split, unpackList } from "./lists.ts"
import { isPosition } from "./position.ts"
import { decode, type Parsed } from "./records.ts"
import { opened, signedOf } from "./signed.ts"
import { judgeStandby, newStandby, standbyOf } from "./standby.ts"

const MOST_APPOINTMENTS = 32
/** Fields without a command yet: they stay as they are. */
const NOT_OFFERED = [
  "absent", "facilitators_start", "facilitators_stay", "ttl",
]
/** Lists in the state, and the size of their items. */
const LISTS: [string, number][] = [["facilitators", 64], ["paused", 32], ["doors", 8], ["folded", 32], ["corrected", 32]]

/** Read the room's state. Throws a `Fault`. */
export function stateOf(data: Bytes): Parsed {
  const state = decode("RoomExtension", data)
  for (const [name, size] of LISTS) {
    const items = split(state.bytes(name), size).map(hex)
    demand(new Set(items).size === items.length, "bad_field", name)
  }
  demand(state.bytes("facilitators").length > 0, "bad_field", "facilitators")
  unpackList(state.bytes("appointments"), MOST_APPOINTMENTS)
  const hold = state.fields["hold"]
  demand(!(hold instanceof Uint8Array) || isPosition(hold), "bad_number", "hold")
  return state
}

/** The facilitators: MLS key to relay key, in hex. */
export function facilitatorsOf(state: Parsed): Map<string, string> {
  return new Map(split(state.bytes("facilitators"), 64).map((item) => [hex(item.slice(0, 32)), hex(item.slice(32))]))
}

function unchanged(before: Parsed, after: Parsed, name: string): boolean {
  const [a, b] = [before.fields[name], after.fields[name]]
  return a instanceof Uint8Array && b instanceof Uint8Array ? same(a, b) : a === b
}

/** With which appointments the state begins: all from before, or those that somebody needs. */
function keptAppointments(old: Bytes, after: Parsed): Bytes {
  if (same(after.bytes("appointments").slice(0, old.length), old)) return old
  const wanted = new Set(facilitatorsOf(after).keys())
  const standby = standbyOf(after)
  if (standby !== undefined) wanted.add(hex(standby.mls))
  let kept: Bytes = zeros(0)
  for (const item of [...unpackList(old, MOST_APPOINTMENTS)].reverse()) {
    const said = decode("Appointment", signedOf(item).body)
    if (!wanted.delete(hex(said.bytes("mls_key")))) continue
    wanted.add(hex(said.bytes("appointer")))
    kept = join(number(item.length, 4), item, kept)
  }
  return kept
}

function checkAppointments(before: Parsed, after: Parsed, committer: Bytes, room: Bytes): void {
  const all = after.bytes("appointments")
  const old = keptAppointments(before.bytes("appointments"), after)
  demand(same(all.slice(0, old.length), old), "appointments_rewritten")
  const listed = facilitatorsOf(before)
  const missing = new Map([...facilitatorsOf(after)].filter(([mls, relay]) => listed.get(mls) !== relay))
  const standby = newStandby(before, after)
  if (standby !== undefined) missing.set(hex(standby.mls), hex(standby.relay))
  for (const item of unpackList(all.slice(old.length), MOST_APPOINTMENTS)) {
    const signed = signedOf(item)
    demand(hex(decode("Appointment", signed.body).bytes("appointer")) === hex(committer), "appointment")
    const said = opened(signed, "appoint", "Appointment", committer)
    demand(same(said.bytes("room"), room), "appointment")
    const mls = hex(said.bytes("mls_key"))
    demand(missing.get(mls) === hex(said.bytes("relay_key")), "appointment")
    missing.delete(mls)
  }
  demand(missing.size === 0, "appointment")
}

/** Judge the settings of the private line in a state with so many leaves. Throws a `Fault`. */
export function judgeDesk(after: Parsed, members: number): void {
  const interval = members <= 20 ? 5 : members <= 200 ? 30 : 120
  const size = facilitatorsOf(after).size <= 4 ? 1024 : 2048
  demand(after.int("desk_interval") === interval && after.int("desk_size") === size, "desk_settings")
}

/** Judge the change of the room's state. Throws a `Fault` with the rule that burns the commit. */
export function judgeState(before: Parsed, after: Parsed, committer: Bytes, room: Bytes): void {
  demand(facilitatorsOf(before).has(hex(committer)), "committer")
  demand(facilitatorsOf(after).has(hex(committer)), "committer_steps_down")
  judgeAgreement(before, after)
  demand(NOT_OFFERED.every((name) => unchanged(before, after, name)), "not_offered")
  const kept = facilitatorsOf(after)
  const lost = [...facilitatorsOf(before).keys()].some((mls) => !kept.has(mls))
  demand(!lost || !unchanged(before, after, "lobby_key"), "lobby_key_kept")
  demand(!split(after.bytes("paused"), 32).some((key) => kept.has(hex(key))), "paused_facilitator")
  demand(!split(after.bytes("folded"), 32).some((key) => kept.has(hex(key))), "folded_facilitator")
  demand(after.fields["hold"] === undefined || after.bool("listen_only"), "hold_open")
  checkAppointments(before, after, committer, room)
  judgeStandby(before, after, kept)
}

/** Whether every newly folded member had a leaf. Throws a `Fault`. */
export function judgeFolds(before: Parsed, after: Parsed, keys: Bytes[]): void {
  const known = new Set([...split(before.bytes("folded"), 32), ...keys].map(hex))
  demand(split(after.bytes("folded"), 32).every((key) => known.has(hex(key))), "folded_not_member")
}

/** Whether a member with this MLS key may send a message of this kind. */
export function may(state: Parsed, key: Bytes, kind: string): boolean {
  const facilitates = facilitatorsOf(state).has(hex(key))
  if (kind === "heartbeat" || kind === "agreement" || kind === "fold") return facilitates
  if (kind === "retract" || kind === "void") return true
  const paused = split(state.bytes("paused"), 32).some((each) => same(each, key))
  return facilitates || (!paused && !state.bool("listen_only"))
}
