/** The tables of docs/protocol.md, section 12, read from the document itself: it is the source. */
import { readFileSync } from "node:fs"

const DOCUMENT = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8")

/** The rows of the table below a heading: name to fields. */
function tableBelow(heading: string): Record<string, string> {
  const after = DOCUMENT.split(`\n### ${heading}\n`)[1]
  if (after === undefined) throw new Error(`docs/protocol.md has no heading ${heading}`)
  const part = after.split(/\n##+ /)[0]!
  const rows = [...part.matchAll(/^\| `([\w ]+)` \| (.*) \|$/gm)]
  return Object.fromEntries(rows.map(([, name, fields]) => [name!, fields!]))
}

export const FROM_CLIENT = tableBelow("Frames of a client")
export const FROM_RELAY = tableBelow("Frames of the relay")
/** `Void` has no fields: a sentence says so. */
export const RECORDS = { ...tableBelow("Records"), ...tableBelow("Records between clients"), Void: "" }
