/** Byte strings: joining, comparing, and big-endian numbers. */
import { sha256 } from "@noble/hashes/sha2.js"

export type Bytes = Uint8Array

export const H = (data: Bytes): Bytes => sha256(data)

export const ascii = (text: string): Bytes => new TextEncoder().encode(text)
export const hex = (data: Bytes): string => Buffer.from(data).toString("hex")
export const unhex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"))
export const zeros = (size: number): Bytes => new Uint8Array(size)

export function join(...parts: Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts))
}

export function same(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** A number in so many bytes. */
export function number(value: number | bigint, size: number): Bytes {
  const bytes = zeros(size)
  let rest = BigInt(value)
  for (let at = size - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}

export function numberOf(bytes: Bytes): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

export function random(size: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(size))
}
