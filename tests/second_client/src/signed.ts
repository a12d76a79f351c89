/** A signed statement as it travels in a list: `signature ‖ body`. */
import type { Bytes } from "./bytes.ts"
import { verifyBody } from "./ed25519.ts"
import { demand } from "./fault.ts"
import { decode, type Parsed } from "./records.ts"

export interface Signed { signature: Bytes; body: Bytes }

export function signedOf(data: Bytes): Signed {
  demand(data.length > 64, "bad_length")
  return { signature: data.slice(0, 64), body: data.slice(64) }
}

/** Verify first, decode afterwards. Throws a `Fault`. */
export function opened(signed: Signed, name: string, record: string, key: Bytes): Parsed {
  verifyBody(key, name, signed.body, signed.signature)
  return decode(record, signed.body)
}
