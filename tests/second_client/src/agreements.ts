/** The agreement: what a commit may do to it, and the texts that were told (docs/protocol.md, section 11). */
import { type Bytes, hex, join, same } from "./bytes.ts"
import { agreementHash, type Text, textsOf } from "./card.ts"
import { demand, Fault } from "./fault.ts"
import { split } from "./lists.ts"
import type { Parsed } from "./records.ts"

/** Texts of one facilitator that no commit has named yet: the newest are kept. */
const PENDING = 4

/** Whether what a member accepted is the room's agreement, or one that a correction left good. */
export function isGood(state: Parsed, accepted: Bytes): boolean {
  return [state.bytes("agreement"), ...split(state.bytes("corrected"), 32)].some((each) => same(each, accepted))
}

/** Judge the change of the agreement. Throws a `Fault` with the rule that burns the commit. */
export function judgeAgreement(before: Parsed, after: Parsed): void {
  const [old, now] = [before.bytes("agreement"), after.bytes("agreement")]
  const step = after.int("agreement_version") - before.int("agreement_version")
  demand(step === (same(old, now) ? 0 : 1), "agreement_version")
  const corrected = before.bytes("corrected")
  const allowed = same(old, now) ? [corrected] : [new Uint8Array(), join(corrected, old)]
  demand(allowed.some((each) => same(each, after.bytes("corrected"))), "agreement_corrected")
}

interface Told { version: number; hash: Bytes; texts: Text[] }

/** The texts that facilitators told. A commit names the hash alone. */
export class Agreements {
  private readonly room: Bytes
  private readonly pending = new Map<string, Told[]>()
  private present: Told | undefined

  constructor(room: Bytes) {
    this.room = room
  }

  /** The present agreement's text, when it is here. */
  of(state: Parsed): Told | undefined {
    return this.present !== undefined && same(this.present.hash, state.bytes("agreement")) ? this.present : undefined
  }

  /** Take what the facilitator with this key told. What cannot be read is dropped. */
  told(author: Bytes, body: Parsed, state: Parsed): void {
    const [version, list] = [body.int("version"), body.bytes("texts")]
    const told = { version, hash: agreementHash(this.room, version, list), texts: this.read(list) }
    if (told.texts.length === 0) return
    if (same(told.hash, state.bytes("agreement"))) this.present = told
    else if (version === state.int("agreement_version") + 1) {
      const others = (this.pending.get(hex(author)) ?? []).filter((each) => !same(each.hash, told.hash))
      this.pending.set(hex(author), [...others, told].slice(-PENDING))
    }
  }

  private read(list: Bytes): Text[] {
    try {
      return textsOf(list)
    } catch (error) {
      if (error instanceof Fault) return []
      throw error
    }
  }

  /** A commit was merged: a text may be the present one now, and no other of that version ever will be. */
  moved(state: Parsed): void {
    const all = [...this.pending.values()].flat()
    this.present = all.find((each) => same(each.hash, state.bytes("agreement"))) ?? this.present
    for (const [author, texts] of this.pending) {
      this.pending.set(author, texts.filter((each) => each.version > state.int("agreement_version")))
    }
  }
}
