/** A member: merges commits, follows the roster, reads and sends (docs/protocol.md, sections 9, 11). */
import type { ClientState } from "ts-mls"
import { Agreements, isGood } from "./agreements.ts"
import { type Bytes, hex, random, same } from "./bytes.ts"
import { applyCommit } from "./commits.ts"
import { signBody } from "./ed25519.ts"
import { checkEnd, checkRemoval } from "./endings.ts"
import { Fault } from "./fault.ts"
import type { Identity } from "./identity.ts"
import { type Link, Refusal } from "./link.ts"
import { Log } from "./log.ts"
import { nextGeneration, protect, type Received, unprotect } from "./messages.ts"
import { encode, type Parsed } from "./records.ts"
import { facilitatorsOf } from "./rights.ts"
import { follow, matches, type Roster } from "./roster.ts"
import { Said } from "./said.ts"
import { leavesOf, roomStateOf } from "./tree.ts"

const [COMMIT, APPLICATION] = [1, 2]
const RETRIES = 10

export type Tell = (event: { event: string; [key: string]: unknown }) => void

export class Member {
  private readonly identity: Identity
  private readonly room: Bytes
  private readonly link: Link
  private readonly tell: Tell
  private readonly log: Log
  private state: ClientState
  private roster: Roster
  private base: Bytes
  private counter = 0
  private readonly said = new Said()
  /** Hashes of the roster entries that this member went over. */
  private readonly followed = new Set<string>()
  private readonly agreements: Agreements
  private shown: Bytes
  private restate = false
  private rebased: () => void = () => {}

  constructor(identity: Identity, room: Bytes, link: Link, tell: Tell, state: ClientState, roster: Roster, position: Bytes) {
    this.identity = identity
    this.room = room
    this.link = link
    this.tell = tell
    this.state = state
    this.roster = { lobby: hex(roomStateOf(state).bytes("lobby_key")), ...roster }
    this.compare()
    this.log = new Log(position)
    this.base = position
    this.agreements = new Agreements(room)
    this.shown = identity.agreement
  }

  get names(): string[] {
    return leavesOf(this.state).map((leaf) => leaf.name)
  }

  /** Begin to receive, from the commit that seated this member. */
  async resume(): Promise<void> {
    await this.link.ask("resume", { position: this.log.end, lobby: 0 })
  }

  async heard(frame: Parsed): Promise<void> {
    if (frame.name === "blob") return this.blob(frame)
    if (frame.name === "bye") this.bye(frame)
  }

  private async blob(frame: Parsed): Promise<void> {
    const [position, blobClass, blob] = [frame.bytes("position"), frame.int("blob_class"), frame.bytes("blob")]
    this.log.add(position, blobClass, blob)
    if (frame.has("entry")) this.entry(frame)
    if (blobClass === COMMIT) return this.commit(position, blob, frame.has("entry"))
    try {
      const publisher = frame.has("key") ? frame.bytes("key") : undefined
      this.message(await unprotect(this.state, blobClass, blob, publisher, this.identity.cs))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.tell({ event: "dropped", code: error.code })
    }
  }

  /** A roster that does not follow is shown. It is no reason to refuse a commit. */
  private entry(frame: Parsed): void {
    try {
      this.roster = follow(this.roster, { body: frame.bytes("entry"), signature: frame.bytes("signature") })
      this.followed.add(hex(this.roster.head))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.tell({ event: "problem", code: error.code })
    }
  }

  /** A list that is not the group's is shown, but for what a burned commit did until it is restated. */
  private compare(): void {
    if (this.state.groupActiveState.kind !== "active") return
    const said = roomStateOf(this.state)
    const members = leavesOf(this.state).map((leaf) => hex(leaf.relayKey))
    const listed = matches(this.roster, members, [...facilitatorsOf(said).values()], hex(said.bytes("lobby_key")))
    if (!listed && !this.restate) this.tell({ event: "problem", code: "roster_mismatch" })
    this.restate &&= !listed
  }

  private async commit(position: Bytes, blob: Bytes, withEntry: boolean): Promise<void> {
    const outcome = await applyCommit(this.state, blob, this.identity.cs, this.room)
    this.base = position
    this.rebased()
    if (outcome.kind !== "merged") {
      this.restate ||= withEntry
      return this.tell({ event: outcome.kind, code: outcome.code })
    }
    this.state = outcome.state
    this.compare()
    this.ask()
    if (this.state.groupActiveState.kind === "active") this.tell({ event: "members", names: this.names })
  }

  private message({ state, sender, payload, body }: Received): void {
    this.state = state
    const [author, id, kind] = [hex(sender.mlsKey), hex(payload.bytes("id")), payload.text("kind")]
    if (!this.log.agrees(payload.bytes("position"), payload.bytes("log"), kind === "heartbeat")) {
      this.tell({ event: "problem", code: "log_differs" })
    }
    if (kind === "heartbeat") return this.beat(body!)
    const words = body === undefined || kind === "text"
    if (!this.said.isNew(author, id, payload.int("counter"), kind, payload.bytes("body"))) {
      // Newcomers are shown these words: without a sign here their author would speak to those alone.
      const repeated = this.said.isRepeated(author, id, kind, payload.bytes("body"))
      return words && !repeated ? this.tell({ event: "missed", from: sender.name }) : undefined
    }
    if (words && !isGood(roomStateOf(state), payload.bytes("agreement"))) {
      return this.tell({ event: "dropped", code: "another_agreement" })
    }
    if (body === undefined) this.tell({ event: "unknown", from: sender.name, kind })
    else if (kind === "text") this.tell({ event: "message", id, from: sender.name, text: body.text("text") })
    else if (kind === "retract") this.retracted(sender.name, author, hex(body.bytes("target")))
    else if (kind === "fold") this.tell({ event: "folded", id: hex(body.bytes("target")), by: sender.name })
    else if (kind === "agreement") {
      this.agreements.told(sender.mlsKey, body, roomStateOf(state))
      this.ask()
    }
  }

  private retracted(from: string, author: string, target: string): void {
    if (this.said.authorOf(target) === author) this.tell({ event: "retracted", from, id: target })
  }

  private beat(body: Parsed): void {
    const epochAgrees = same(body.bytes("authenticator"), this.state.keySchedule.epochAuthenticator)
    const rosterAgrees = same(body.bytes("roster"), this.roster.head)
    this.tell({ event: "beat", agrees: epochAgrees && rosterAgrees, anchored: this.log.anchored })
  }

  /** Show another agreement, once its text is here. */
  private ask(): void {
    if (this.state.groupActiveState.kind !== "active") return
    const state = roomStateOf(this.state)
    this.agreements.moved(state)
    const told = this.agreements.of(state)
    if (told === undefined || same(this.shown, told.hash)) return
    this.shown = told.hash
    const { version, texts } = told
    this.tell({ event: "agreement", version, texts, asked: !isGood(state, this.identity.agreement) })
  }

  /** The person accepts what was shown: messages carry its hash from now on. */
  accept(version: number): void {
    const state = roomStateOf(this.state)
    const present = same(this.shown, state.bytes("agreement")) && version === state.int("agreement_version")
    if (!present) throw new Fault("no_agreement")
    this.identity.agreement = this.shown
  }

  /** Send a text. Returns its id. Sends it again when the room changed in the meantime. */
  async say(text: string): Promise<string> {
    if (!isGood(roomStateOf(this.state), this.identity.agreement)) throw new Fault("agreement_due")
    return this.send("text", encode("Text", { text }))
  }

  async retract(id: string): Promise<string> {
    return this.send("retract", encode("Retract", { target: new Uint8Array(Buffer.from(id, "hex")) }))
  }

  private async send(kind: string, body: Bytes): Promise<string> {
    const [id, counter] = [random(16), ++this.counter]
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const changed = new Promise<void>((settle) => (this.rebased = settle))
      try {
        await this.publish(id, counter, kind, body)
        return hex(id)
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== "stale") throw error
        if (error.base === undefined || !same(error.base, this.base)) await changed
      }
    }
    throw new Fault("stale")
  }

  private async post(id: Bytes, counter: number, kind: string, body: Bytes): Promise<{ blob: Bytes; answer: Promise<Parsed> }> {
    const ttl = roomStateOf(this.state).int("ttl")
    const payload = encode("Payload", {
      id, counter, generation: nextGeneration(this.state), agreement: this.identity.agreement,
      position: this.log.end, log: this.log.hash, ttl, kind, body,
    })
    const [state, blob] = await protect(this.state, payload, this.identity.cs)
    this.state = state
    // Wrapped: the answer comes after this step.
    return { blob, answer: this.link.ask("publish", { id: random(16), base: this.base, blob_class: APPLICATION, ttl, blob }) }
  }

  private async publish(id: Bytes, counter: number, kind: string, body: Bytes): Promise<void> {
    const sent = await this.link.inOrder(() => this.post(id, counter, kind, body))
    const answer = await sent.answer
    const own = leavesOf(this.state).find((leaf) => same(leaf.relayKey, this.identity.relayKey))!
    this.said.add(hex(own.mlsKey), hex(id), kind, body)
    this.log.add(answer.bytes("position"), APPLICATION, sent.blob)
  }

  /** Leave. The relay closes the connection, and a facilitator commits the Remove. */
  async leave(): Promise<void> {
    const { relayKey, relaySeed } = this.identity
    const statement = encode("LeaveStatement", { room: this.room, relay_key: relayKey, counter: this.roster.counter })
    await this.link.ask("leave", { statement, signature: signBody(relaySeed, "leave", statement) })
  }

  private bye(frame: Parsed): void {
    const code = frame.text("code")
    if (code !== "removed" && code !== "ended") return this.tell({ event: "bye", code })
    this.tell({ event: "bye", code, proved: this.proves(code, frame) })
  }

  /** Whether the statement that came with a `bye` proves what the relay says. */
  private proves(code: string, frame: Parsed): boolean {
    if (!frame.has("statement") || !frame.has("signature")) return false
    const signed = { body: frame.bytes("statement"), signature: frame.bytes("signature") }
    try {
      if (code === "ended") checkEnd(this.roster, signed)
      else checkRemoval(this.roster, signed, this.identity.relayKey, this.base, this.followed)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return false
    }
    return true
  }
}
