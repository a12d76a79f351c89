/** The ciphersuite of a room, with this protocol's rules for signatures (sections 3 and 11). */
import { type CiphersuiteImpl, getCiphersuiteFromName, getCiphersuiteImpl } from "ts-mls"
import { random } from "./bytes.ts"
import { holds, publicKey, sign } from "./ed25519.ts"

export const SUITE_NAME = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519"

export async function ciphersuite(): Promise<CiphersuiteImpl> {
  const given = await getCiphersuiteImpl(getCiphersuiteFromName(SUITE_NAME))
  return {
    ...given,
    signature: {
      sign: async (seed, message) => sign(seed, message),
      verify: async (key, message, signature) => holds(key, message, signature),
      keygen: async () => {
        const signKey = random(32)
        return { signKey, publicKey: publicKey(signKey) }
      },
    },
  }
}
