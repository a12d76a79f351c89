/** HPKE in mode PSK, with which everything at a door and in the lobby is sealed (section 7). */
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305"
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core"
import { x25519 } from "@noble/curves/ed25519.js"
import { type Bytes, hex, join } from "./bytes.ts"
import { Fault } from "./fault.ts"
import { pad, unpad } from "./padding.ts"

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
})

export interface Psk { id: Bytes; key: Bytes }

/** ArrayBuffers of exactly these bytes: the library takes no views. */
const buffer = (bytes: Bytes): ArrayBuffer => new Uint8Array(bytes).buffer

const PRIME = 2n ** 255n - 19n

/** Whether something may be sealed to this X25519 key: canonical, and not of small order. */
export function isGoodReplyKey(key: Bytes): boolean {
  if (BigInt(`0x${hex(key.slice().reverse())}`) >= PRIME) return false
  try {
    x25519.getSharedSecret(new Uint8Array(32).fill(1), key)
    return true
  } catch {
    return false
  }
}

export async function keyPair(): Promise<CryptoKeyPair> {
  return suite.kem.generateKeyPair()
}

/** The pair that follows from 32 bytes (`DeriveKeyPair` of RFC 9180). */
export async function derivedPair(input: Bytes): Promise<CryptoKeyPair> {
  return suite.kem.deriveKeyPair(buffer(input))
}

export async function publicBytes(pair: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))
}

/** `enc ‖ ciphertext` of the padded content. */
export async function seal(to: Bytes, psk: Psk, info: Bytes, aad: Bytes, content: Bytes): Promise<Bytes> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(buffer(to))
  const sender = await suite.createSenderContext({
    recipientPublicKey, info: buffer(info), psk: { id: buffer(psk.id), key: buffer(psk.key) },
  })
  const ciphertext = await sender.seal(buffer(pad(content)), buffer(aad))
  return join(new Uint8Array(sender.enc), new Uint8Array(ciphertext))
}

/** Throws a `Fault` with `bad_seal` or `bad_padding`. */
export async function unseal(pair: CryptoKeyPair, psk: Psk, info: Bytes, aad: Bytes, sealed: Bytes): Promise<Bytes> {
  return unpad(await unsealWhole(pair, psk, info, aad, sealed))
}

/** What is sealed without padding; with a sender's key in mode AuthPSK. Throws a `Fault` with `bad_seal`. */
export async function unsealWhole(
  pair: CryptoKeyPair, psk: Psk, info: Bytes, aad: Bytes, sealed: Bytes, sender?: Bytes,
): Promise<Bytes> {
  try {
    const senderPublicKey = sender && (await suite.kem.deserializePublicKey(buffer(sender)))
    const recipient = await suite.createRecipientContext({
      recipientKey: pair, enc: buffer(sealed.slice(0, 32)), info: buffer(info),
      psk: { id: buffer(psk.id), key: buffer(psk.key) }, ...(senderPublicKey && { senderPublicKey }),
    })
    return new Uint8Array(await recipient.open(buffer(sealed.slice(32)), buffer(aad)))
  } catch {
    throw new Fault("bad_seal")
  }
}

/** The pair of known keys. */
export async function keyPairOf(secret: Bytes, known: Bytes): Promise<CryptoKeyPair> {
  const privateKey = await suite.kem.importKey("raw", buffer(secret), false)
  return { privateKey, publicKey: await suite.kem.deserializePublicKey(buffer(known)) }
}
