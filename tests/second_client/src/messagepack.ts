/** The strict subset of MessagePack: one map (docs/protocol.md, section 2). */
import type { Bytes } from "./bytes.ts"
import { ascii, join, number, numberOf } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"

export type Value = number | boolean | string | Bytes | Fields
export interface Fields { [key: string]: Value }

const DEEPEST = 8
const MOST_ELEMENTS = 64
const MOST_TEXT = 32 * 1024

type Kind = "map" | "text" | "bytes"
/** Of heads with a length field: what they begin, and the bytes of the length. */
const LONG: Record<number, [Kind, number]> = {
  0xc4: ["bytes", 1], 0xc5: ["bytes", 2], 0xc6: ["bytes", 4],
  0xd9: ["text", 1], 0xda: ["text", 2], 0xdb: ["text", 4],
  0xde: ["map", 2], 0xdf: ["map", 4],
}
const UNSIGNED: Record<number, number> = { 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8 }

class Reader {
  at = 0
  private readonly data: Bytes
  private elements = 0
  private text = 0

  constructor(data: Bytes) {
    this.data = data
  }

  private take(size: number): Bytes {
    demand(this.at + size <= this.data.length, "truncated")
    return this.data.slice(this.at, (this.at += size))
  }

  private count(): void {
    demand(++this.elements <= MOST_ELEMENTS, "too_many_elements")
  }

  value(depth: number): Value {
    this.count()
    const start = this.at
    const head = this.take(1)[0]!
    if (head < 0x80) return head
    if (head === 0xc2 || head === 0xc3) return head === 0xc3
    const unsigned = UNSIGNED[head]
    if (unsigned !== undefined) return this.unsigned(unsigned)
    const [kind, size] = this.headOf(head)
    if (kind === "map") return this.map(size, depth)
    if (kind === "bytes") return this.take(size)
    return this.words(start, size)
  }

  private unsigned(size: number): number {
    const value = numberOf(this.take(size))
    demand(value <= Number.MAX_SAFE_INTEGER, "bad_number")
    return value
  }

  private headOf(head: number): [Kind, number] {
    if (head <= 0x8f) return ["map", head & 0x0f]
    if (head >= 0xa0 && head <= 0xbf) return ["text", head & 0x1f]
    const long = LONG[head]
    demand(long !== undefined, "bad_type")
    return [long[0], numberOf(this.take(long[1]))]
  }

  private words(start: number, size: number): string {
    const raw = this.take(size)
    demand((this.text += this.at - start) <= MOST_TEXT, "too_much_text")
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw)
    } catch {
      throw new Fault("bad_text")
    }
  }

  private map(size: number, depth: number): Fields {
    demand(depth <= DEEPEST, "too_deep")
    const fields: Fields = Object.create(null)
    for (let index = 0; index < size; index++) {
      const key = this.value(depth + 1)
      demand(typeof key === "string", "bad_type")
      demand(!(key in fields), "duplicate_key")
      fields[key] = this.value(depth + 1)
    }
    return fields
  }
}

/** Read one map. Throws a `Fault`. */
export function unpack(data: Bytes): Fields {
  const reader = new Reader(data)
  const value = reader.value(1)
  demand(typeof value === "object" && !(value instanceof Uint8Array), "bad_type")
  demand(reader.at === data.length, "trailing")
  return value
}

function headed(size: number, short: [number, number] | null, forms: [number, number][]): Bytes {
  if (short && size <= short[1]) return number(short[0] | size, 1)
  const [code, bytes] = forms.find(([, width]) => size < 2 ** (8 * width))!
  return join(number(code, 1), number(size, bytes))
}

function packed(value: Value): Bytes {
  switch (typeof value) {
    case "boolean":
      return number(value ? 0xc3 : 0xc2, 1)
    case "number":
      return headed(value, [0, 0x7f], [[0xcc, 1], [0xcd, 2], [0xce, 4], [0xcf, 8]])
    case "string": {
      const raw = ascii(value)
      return join(headed(raw.length, [0xa0, 31], [[0xd9, 1], [0xda, 2], [0xdb, 4]]), raw)
    }
  }
  if (value instanceof Uint8Array) {
    return join(headed(value.length, null, [[0xc4, 1], [0xc5, 2], [0xc6, 4]]), value)
  }
  return pack(value)
}

/** Write one map, each part in its shortest form. */
export function pack(fields: Fields): Bytes {
  const items = Object.entries(fields).flatMap(([key, value]) => [packed(key), packed(value)])
  return join(headed(items.length / 2, [0x80, 15], [[0xde, 2], [0xdf, 4]]), ...items)
}
