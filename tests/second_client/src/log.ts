/** This member's unbroken prefix of the log, and its comparison with others' (section 11). */
import { type Bytes, hex, same, zeros } from "./bytes.ts"
import { demand } from "./fault.ts"
import { logAfter } from "./loghash.ts"
import { numberAt, sameLog } from "./position.ts"

const UNKNOWN = zeros(32)

export class Log {
  /** The last position that was handled. */
  end: Bytes
  private readonly blobs = new Map<number, [number, Bytes]>()
  /** Number to hash, from the anchor on. */
  private readonly hashes = new Map<number, Bytes>()

  constructor(start: Bytes) {
    this.end = start
  }

  get hash(): Bytes {
    return this.hashes.get(numberAt(this.end)) ?? UNKNOWN
  }

  /** The next blob, or one's own. Numbers have no holes. */
  add(position: Bytes, blobClass: number, blob: Bytes): void {
    const number = numberAt(position)
    demand(sameLog(position, this.end) && number === numberAt(this.end) + 1, "gap", hex(position))
    const before = this.hashes.get(number - 1)
    if (before !== undefined) this.hashes.set(number, logAfter(before, number, blobClass, blob))
    this.blobs.set(number, [blobClass, blob])
    this.end = position
  }

  /** Take a heartbeat's value as anchor and roll on, if every blob since is here. */
  private anchor(position: Bytes, hash: Bytes): void {
    const [from, to] = [numberAt(position), numberAt(this.end)]
    for (let number = from + 1; number <= to; number++) if (!this.blobs.has(number)) return
    this.hashes.set(from, hash)
    for (let number = from + 1; number <= to; number++) {
      const [blobClass, blob] = this.blobs.get(number)!
      this.hashes.set(number, logAfter(this.hashes.get(number - 1)!, number, blobClass, blob))
    }
  }

  /** Whether a sender's value agrees, as far as this member knows. */
  agrees(position: Bytes, hash: Bytes, isBeat: boolean): boolean {
    if (same(hash, UNKNOWN) || !sameLog(position, this.end)) return true
    const own = this.hashes.get(numberAt(position))
    if (own !== undefined) return same(own, hash)
    if (isBeat && this.hashes.size === 0 && numberAt(position) <= numberAt(this.end)) this.anchor(position, hash)
    return true
  }

  get anchored(): boolean {
    return this.hashes.size > 0
  }
}
