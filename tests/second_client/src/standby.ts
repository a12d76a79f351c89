/** What a commit may do to a room's standby (docs/protocol.md, section 11). */
import { type Bytes, hex, same } from "./bytes.ts"
import { demand } from "./fault.ts"
import { unpackList } from "./lists.ts"
import { decode, type Parsed } from "./records.ts"
import { signedOf } from "./signed.ts"

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
