/** The hash over the conversation as this member was shown it (docs/protocol.md, section 11). */
import { type Bytes, H, number } from "./bytes.ts"
import { hashWith } from "./labels.ts"

export const logStart = (room: Bytes, transcript: Bytes): Bytes => hashWith("log start", room, transcript)

const BEAT = 3

/** Heartbeats change nothing. */
export function logAfter(hash: Bytes, position: number, blobClass: number, blob: Bytes): Bytes {
  if (blobClass === BEAT) return hash
  return hashWith("log", hash, number(position, 8), number(blobClass, 1), H(blob))
}
