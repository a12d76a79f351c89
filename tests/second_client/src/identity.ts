/** A newcomer's keys and KeyPackage (docs/protocol.md, section 11). */
import { type CiphersuiteImpl, generateKeyPackageWithKey, type KeyPackage, type PrivateKeyPackage } from "ts-mls"
import { encodeKeyPackage } from "ts-mls/keyPackage.js"
import { ascii, type Bytes } from "./bytes.ts"
import { publicKey } from "./ed25519.ts"
import { encode } from "./records.ts"
import { keyPair, publicBytes } from "./seal.ts"
import { ciphersuite, SUITE_NAME } from "./suite.ts"

export const ROOM_EXTENSION = 0xf1a0
export const LEAF_EXTENSION = 0xf1a1
export const ROSTER_EXTENSION = 0xf1a2

/** Seconds before and after now in which a KeyPackage is valid. */
const [SKEW, LIFE] = [3600, 86400]

export interface Identity {
  name: string
  cs: CiphersuiteImpl
  relaySeed: Bytes
  relayKey: Bytes
  reply: CryptoKeyPair
  replyKey: Bytes
  agreement: Bytes
  keyPackage: KeyPackage
  /** As it travels. */
  keyPackageBytes: Bytes
  secrets: PrivateKeyPackage
}

/** Fresh keys for one room, beside the relay key that knocks. */
export async function newIdentity(name: string, agreement: Bytes, relaySeed: Bytes): Promise<Identity> {
  const cs = await ciphersuite()
  const [reply, desk] = [await keyPair(), await keyPair()]
  const relayKey = publicKey(relaySeed)
  const leaf = encode("LeafExtension", { version: 1, relay_key: relayKey, desk_key: await publicBytes(desk), agreement })
  const now = BigInt(Math.floor(Date.now() / 1000))
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
    { credentialType: "basic", identity: ascii(name) },
    {
      versions: ["mls10"], ciphersuites: [SUITE_NAME], proposals: [], credentials: ["basic"],
      extensions: [ROOM_EXTENSION, LEAF_EXTENSION, ROSTER_EXTENSION],
    },
    { notBefore: now - BigInt(SKEW), notAfter: now + BigInt(LIFE) },
    [], await cs.signature.keygen(), cs, [{ extensionType: LEAF_EXTENSION, extensionData: leaf }],
  )
  return {
    name, cs, relaySeed, relayKey, reply, agreement, replyKey: await publicBytes(reply), keyPackage: publicPackage,
    keyPackageBytes: encodeKeyPackage(publicPackage), secrets: privatePackage,
  }
}
