/** Padding to powers of two (docs/protocol.md, section 2). */
import { type Bytes, join, number, numberOf, zeros } from "./bytes.ts"
import { demand } from "./fault.ts"

/** The smallest power of two, from 256 on, that holds so many bytes. */
export function bucket(size: number): number {
  let found = 256
  while (found < size) found *= 2
  return found
}

export function pad(content: Bytes): Bytes {
  const size = content.length + 4
  return join(number(content.length, 4), content, zeros(bucket(size) - size))
}

/** Throws a `Fault` with `bad_padding`. */
export function unpad(padded: Bytes): Bytes {
  demand(padded.length >= 4, "bad_padding")
  const size = numberOf(padded.slice(0, 4))
  demand(padded.length === bucket(size + 4), "bad_padding")
  demand(padded.slice(size + 4).every((byte) => byte === 0), "bad_padding")
  return padded.slice(4, size + 4)
}
