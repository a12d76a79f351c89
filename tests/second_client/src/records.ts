/** Records by the tables of docs/protocol.md, section 12, in the notation of the tables. */
import type { Bytes } from "./bytes.ts"
import { ascii } from "./bytes.ts"
import { demand } from "./fault.ts"
import { type Fields, pack, unpack, type Value } from "./messagepack.ts"
import { FROM_CLIENT, FROM_RELAY, RECORDS } from "./tables.ts"

interface Field { type: string; low: number; high: number; optional: boolean }
type Table = Map<string, Field>

const FIELD = /^`(\w+)` (int|bytes|text|bool)(?: (\d+)| to (\S+)| (\d+) to (\S+))?( \(optional\))?$/

function bound(written: string): number {
  return written === "2^53-1" ? Number.MAX_SAFE_INTEGER : Number(written)
}

function fieldOf(cell: string): [string, Field] {
  const found = FIELD.exec(cell)
  if (found === null) throw new Error(`no field: ${cell}`)
  const [, name, type, exact, high, low, top] = found
  const least = bound(exact ?? low ?? "0")
  return [name!, { type: type!, low: least, high: bound(exact ?? high ?? top ?? "0"), optional: found[7] !== undefined }]
}

function tablesOf(rows: Record<string, string>): Map<string, Table> {
  return new Map(Object.entries(rows).map(([name, row]) => [name, new Map(row ? row.split(", ").map(fieldOf) : [])]))
}

const records = tablesOf(RECORDS)
const requests = tablesOf(FROM_CLIENT)
const answers = tablesOf(FROM_RELAY)

function typeOf(value: Value): string {
  if (value instanceof Uint8Array) return "bytes"
  return { number: "int", string: "text", boolean: "bool" }[typeof value as string] ?? "map"
}

function fits(value: Value, field: Field): boolean {
  if (typeOf(value) !== field.type) return false
  if (field.type === "bool") return true
  const size = typeof value === "number" ? value
    : typeof value === "string" ? ascii(value).length : (value as Bytes).length
  return size >= field.low && size <= field.high
}

function check(fields: Fields, table: Table): void {
  for (const [name, value] of Object.entries(fields)) {
    const field = table.get(name)
    demand(field !== undefined && fits(value, field), "bad_field", name)
  }
  for (const [name, field] of table) demand(field.optional || name in fields, "bad_field", name)
}

function recordOf(name: string): Table {
  const table = records.get(name)
  if (table === undefined) throw new Error(`docs/protocol.md has no record ${name}`)
  return table
}

function frameOf(frames: Map<string, Table>, kind: string): Table {
  const table = frames.get(kind)
  demand(table !== undefined, "unknown_kind", kind)
  return table
}

/* The tables are data, so that a field's type is asked for where the field is read. */
export class Parsed {
  readonly name: string
  readonly fields: Fields

  constructor(name: string, fields: Fields) {
    this.name = name
    this.fields = fields
  }

  has(key: string): boolean {
    return key in this.fields
  }

  bytes(key: string): Bytes {
    const value = this.fields[key]
    if (!(value instanceof Uint8Array)) throw new Error(`${this.name}.${key} is no bytes`)
    return value
  }

  int(key: string): number {
    const value = this.fields[key]
    if (typeof value !== "number") throw new Error(`${this.name}.${key} is no number`)
    return value
  }

  text(key: string): string {
    const value = this.fields[key]
    if (typeof value !== "string") throw new Error(`${this.name}.${key} is no text`)
    return value
  }

  bool(key: string): boolean {
    return this.fields[key] === true
  }
}

/** Read a record. Throws a `Fault`. */
export function decode(name: string, data: Bytes): Parsed {
  const fields = unpack(data)
  check(fields, recordOf(name))
  return new Parsed(name, fields)
}

/** Write a record, in the order of its fields. */
export function encode(name: string, fields: Fields): Bytes {
  return ordered(fields, recordOf(name))
}

function ordered(fields: Fields, table: Table): Bytes {
  check(fields, table)
  const present = [...table.keys()].filter((key) => key in fields)
  return pack(Object.fromEntries(present.map((key) => [key, fields[key]!])))
}

function frame(tables: Map<string, Table>, data: Bytes): Parsed {
  const { t: kind, ...fields } = unpack(data)
  demand(typeof kind === "string", "bad_field", "t")
  check(fields, frameOf(tables, kind))
  return new Parsed(kind, fields)
}

export const fromRelay = (data: Bytes): Parsed => frame(answers, data)
export const fromClient = (data: Bytes): Parsed => frame(requests, data)

/** A request's frame. */
export function request(kind: string, fields: Fields): Bytes {
  check(fields, frameOf(requests, kind))
  return pack({ t: kind, ...fields })
}
