/** What is signed and hashed begins with a label (docs/protocol.md, section 3). */
import { ascii, type Bytes, H, join } from "./bytes.ts"

export const label = (name: string): Bytes => ascii(`alcove v1 ${name}\0`)
export const hashWith = (name: string, ...parts: Bytes[]): Bytes => H(join(label(name), ...parts))
