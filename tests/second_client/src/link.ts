/** One connection to the relay: frames in order, requests with answers (docs/protocol.md, section 5). */
import { type Bytes, join } from "./bytes.ts"
import { sign, signBody, publicKey } from "./ed25519.ts"
import { demand, Fault } from "./fault.ts"
import { label } from "./labels.ts"
import type { Fields } from "./messagepack.ts"
import { encode, fromRelay, type Parsed, request } from "./records.ts"

const SUBPROTOCOL = "alcove.v1"
/** Milliseconds until an answer, and until the challenge (section 11). */
const [ANSWER, CHALLENGE] = [30_000, 10_000]

/** A refusal of the relay: the connection stays. */
export class Refusal extends Error {
  readonly code: string
  readonly base: Bytes | undefined

  constructor(frame: Parsed) {
    super(frame.text("text"))
    this.code = frame.text("code")
    this.base = frame.has("base") ? frame.bytes("base") : undefined
  }
}

interface Waiting { settle: (frame: Parsed) => void; fail: (error: Error) => void }

export class Link {
  private readonly socket: WebSocket
  private readonly host: string
  private readonly waiting = new Map<number, Waiting>()
  private readonly challenge: Promise<Parsed>
  private next = 1
  private challenged!: (frame: Parsed) => void
  private order: Promise<void> = Promise.resolve()
  private failed: (error: Error) => void = () => {}
  /** What the relay sends unasked, one after the other. */
  heard: (frame: Parsed) => Promise<void> = async () => {}
  closed: (code: number, why?: Error) => void = () => {}
  private broken: Error | undefined

  constructor(origin: string) {
    const url = new URL("/v1/connect", origin.replace(/^http/, "ws"))
    this.host = url.host
    this.challenge = new Promise((settle, fail) => {
      this.challenged = settle
      this.failed = fail
    })
    this.socket = new WebSocket(url, SUBPROTOCOL)
    this.socket.binaryType = "arraybuffer"
    this.socket.onmessage = ({ data }) => this.received(data)
    this.socket.onclose = ({ code }) => this.ended(code)
    this.socket.onerror = () => {}
  }

  /** Run after what came before, and before what comes next: cryptography is asynchronous, and
      two steps on one MLS state would lose one of them. */
  inOrder<T>(step: () => Promise<T>): Promise<T> {
    const done = this.order.then(step)
    this.order = done.then(() => {}, () => {})
    return done
  }

  private received(data: unknown): void {
    const handled = this.inOrder(async () => {
      demand(data instanceof ArrayBuffer, "bad_type")
      await this.handle(fromRelay(new Uint8Array(data)))
    })
    handled.catch((error: Error) => {
      this.broken ??= error
      this.close()
    })
  }

  private async handle(frame: Parsed): Promise<void> {
    if (frame.name === "challenge") return this.challenged(frame)
    const answered = frame.has("n") ? this.waiting.get(frame.int("n")) : undefined
    if (answered === undefined) return this.heard(frame)
    this.waiting.delete(frame.int("n"))
    if (frame.name === "refused") answered.fail(new Refusal(frame))
    else answered.settle(frame)
    // What waits for the answer goes first: `published` stands between the blobs before and after it.
    await new Promise((settle) => setImmediate(settle))
  }

  private ended(code: number): void {
    void this.order.finally(() => {
      const error = this.broken ?? new Fault("closed", String(code))
      this.failed(error)
      for (const { fail } of this.waiting.values()) fail(error)
      this.waiting.clear()
      this.closed(code, this.broken)
    })
  }

  close(): void {
    this.socket.close()
  }

  /** Send a request and wait for its answer. Throws a `Refusal`, or a `Fault` when the link ends. */
  ask(kind: string, fields: Fields = {}): Promise<Parsed> {
    const n = this.next++
    this.socket.send(new Uint8Array(request(kind, { n, ...fields })))
    const answer = new Promise<Parsed>((settle, fail) => this.waiting.set(n, { settle, fail }))
    return within(answer, ANSWER)
  }

  /** Authenticate as a newcomer. The key is fresh and no member's yet: throws a `Fault` when told
      another role. */
  async comeToDoor(room: Bytes, relaySeed: Bytes, door: { id: Bytes; seed: Bytes }): Promise<void> {
    const challenge = await within(this.challenge, CHALLENGE)
    const statement = encode("ChallengeAnswer", {
      version: 1, offered: SUBPROTOCOL, host: this.host, room, role: "door", relay_key: publicKey(relaySeed),
      nonce: challenge.bytes("nonce"), door: door.id,
    })
    const signed = join(label("challenge"), statement)
    const answer = await this.ask("auth", {
      statement, signature: signBody(relaySeed, "challenge", statement), door_signature: sign(door.seed, signed),
    })
    demand(answer.text("role") === "door", "wrong_role")
  }
}

async function within<T>(answer: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Fault("no_answer")), milliseconds)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
