/** Places in the log of a room (docs/protocol.md, section 9). */
import { type Bytes, numberOf, same } from "./bytes.ts"

export const numberAt = (position: Bytes): number => numberOf(position.slice(8))
export const isPosition = (position: Bytes): boolean => Number.isSafeInteger(numberAt(position))
export const sameLog = (a: Bytes, b: Bytes): boolean => same(a.slice(0, 8), b.slice(0, 8))
