/** What was said under which id and counter: nothing else is shown under a used one (docs/protocol.md, section 11). */
import { ascii, type Bytes, H, hex, join, zeros } from "./bytes.ts"

interface Words {
  author: string
  hash: string
}

const hashOf = (kind: string, body: Bytes): string => hex(H(join(ascii(kind), zeros(1), body)))

export class Said {
  private readonly words = new Map<string, Words>()
  /** The last counter of each author. A member's first may be any. */
  private readonly counters = new Map<string, number>()

  /** Whether both the id and the counter are new. They are used from now on. */
  isNew(author: string, id: string, counter: number, kind: string, body: Bytes): boolean {
    if (this.words.has(id) || counter <= (this.counters.get(author) ?? 0)) return false
    this.counters.set(author, counter)
    this.add(author, id, kind, body)
    return true
  }

  /** No later message can use this id. */
  add(author: string, id: string, kind: string, body: Bytes): void {
    this.words.set(id, { author, hash: hashOf(kind, body) })
  }

  /** Whether its author said the very same under this id: it was sent again, in another epoch. */
  isRepeated(author: string, id: string, kind: string, body: Bytes): boolean {
    const words = this.words.get(id)
    return words?.author === author && words.hash === hashOf(kind, body)
  }

  authorOf(id: string): string | undefined {
    return this.words.get(id)?.author
  }
}
