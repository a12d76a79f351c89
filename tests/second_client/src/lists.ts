/** Lists inside one byte string (docs/protocol.md, section 2). */
import { type Bytes, join, number, numberOf } from "./bytes.ts"
import { demand } from "./fault.ts"

/** Items of one size, joined. */
export function split(data: Bytes, size: number): Bytes[] {
  demand(data.length % size === 0, "bad_length")
  return Array.from({ length: data.length / size }, (_, index) => data.slice(index * size, (index + 1) * size))
}

/** Joins items of any size. */
export const packList = (items: Bytes[]): Bytes => join(...items.flatMap((item) => [number(item.length, 4), item]))

/** Items of any size, each behind its length in 4 bytes. */
export function unpackList(data: Bytes, most: number): Bytes[] {
  const items: Bytes[] = []
  for (let at = 0; at < data.length; ) {
    demand(at + 4 <= data.length, "truncated")
    const size = numberOf(data.slice(at, at + 4))
    demand(at + 4 + size <= data.length, "truncated")
    demand(items.length < most, "too_many_items")
    items.push(data.slice(at + 4, at + 4 + size))
    at += 4 + size
  }
  return items
}
