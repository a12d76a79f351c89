/** Ed25519 by the rules of docs/protocol.md, section 3. */
import { createPrivateKey, createPublicKey, type KeyObject, sign as signWith, verify as verifyWith } from "node:crypto"
import { ed25519 } from "@noble/curves/ed25519.js"
import type { Bytes } from "./bytes.ts"
import { join, unhex } from "./bytes.ts"
import { demand } from "./fault.ts"
import { label } from "./labels.ts"

const PKCS8 = unhex("302e020100300506032b657004220420")
const SPKI = unhex("302a300506032b6570032100")

const privateKey = (seed: Bytes): KeyObject =>
  createPrivateKey({ key: Buffer.from(join(PKCS8, seed)), format: "der", type: "pkcs8" })
const keyObject = (key: Bytes): KeyObject =>
  createPublicKey({ key: Buffer.from(join(SPKI, key)), format: "der", type: "spki" })

export const publicKey = (seed: Bytes): Bytes => ed25519.getPublicKey(seed)
export const sign = (seed: Bytes, message: Bytes): Bytes => new Uint8Array(signWith(null, message, privateKey(seed)))

/** Whether these bytes are the canonical encoding of a point that is not of small order. */
function isGoodPoint(bytes: Bytes): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes, false).isSmallOrder()
  } catch {
    return false
  }
}

/** Whether the signature holds. OpenSSL checks S < L and the cofactorless equation, by bytes. It
    takes keys and R of small order, and keys in a second encoding: the rest is checked here. */
export function holds(key: Bytes, message: Bytes, signature: Bytes): boolean {
  if (key.length !== 32 || signature.length !== 64) return false
  if (!isGoodPoint(key) || !isGoodPoint(signature.slice(0, 32))) return false
  return verifyWith(null, message, keyObject(key), signature)
}

export const signBody = (seed: Bytes, name: string, body: Bytes): Bytes => sign(seed, join(label(name), body))

/** Throws a `Fault` with `bad_signature`. */
export function verifyBody(key: Bytes, name: string, body: Bytes, signature: Bytes): void {
  demand(holds(key, join(label(name), body), signature), "bad_signature", name)
}
