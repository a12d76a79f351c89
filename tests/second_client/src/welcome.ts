/** Joining by a Welcome, and what makes a newcomer refuse it (docs/protocol.md, section 7). */
import { type ClientState, decodeMlsMessage, emptyPskIndex, type GroupInfo, joinGroupWithExtensions, type Welcome } from "ts-mls"
import { defaultClientConfig } from "ts-mls/clientConfig.js"
import { makeKeyPackageRef } from "ts-mls/keyPackage.js"
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js"
import { isGood } from "./agreements.ts"
import { type Bytes, hex, same, zeros } from "./bytes.ts"
import type { Card } from "./card.ts"
import { extended } from "./facilitators.ts"
import { demand, Fault } from "./fault.ts"
import { type Identity, ROSTER_EXTENSION } from "./identity.ts"
import { decode } from "./records.ts"
import { facilitatorsOf } from "./rights.ts"
import { follow, type Roster, seated } from "./roster.ts"
import type { Signed } from "./signed.ts"
import { extension, leafAt, leavesOf, roomStateOf } from "./tree.ts"

/** The library's settings, with bounds for a hostile sender. */
const CONFIG = {
  ...defaultClientConfig,
  keyRetentionConfig: { retainKeysForGenerations: 128, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 1024 },
}

function welcomeOf(data: Bytes): Welcome {
  const [message, size] = decodeMlsMessage(data, 0) ?? []
  demand(message?.wireformat === "mls_welcome" && size === data.length, "bad_welcome")
  return message.welcome
}

/** The library keeps the signer of the GroupInfo to itself: open it once more. */
async function groupInfoOf(welcome: Welcome, identity: Identity): Promise<GroupInfo> {
  const { cs, secrets, keyPackage } = identity
  const initKey = await cs.hpke.importPrivateKey(secrets.initPrivateKey)
  const found = await decryptGroupSecrets(initKey, await makeKeyPackageRef(keyPackage, cs.hash), welcome, cs.hpke)
  demand(found !== undefined && found.psks.length === 0, "bad_welcome")
  const info = await decryptGroupInfo(welcome, found.joinerSecret, zeros(cs.kdf.size), cs)
  demand(info !== undefined, "bad_welcome")
  return info
}

function checkSigner(state: ClientState, signer: number, card: Card, room: Bytes): void {
  const said = roomStateOf(state)
  const facilitators = facilitatorsOf(said)
  const known = extended(card.first, said.bytes("appointments"), room)
  for (const [mls, relay] of facilitators) demand(known.get(mls) === relay, "unproved_facilitator")
  const leaf = leafAt(state, signer)
  demand(facilitators.get(hex(leaf.mlsKey)) === hex(leaf.relayKey), "wrong_signer")
}

function checkState(state: ClientState, card: Card, identity: Identity): void {
  const said = roomStateOf(state)
  demand(isGood(said, identity.agreement), "another_agreement")
  const leaves = leavesOf(state)
  demand(new Set(leaves.map((leaf) => hex(leaf.relayKey))).size === leaves.length, "relay_key_twice")
}

/** Join. `entry` is the roster entry that seats this newcomer. Throws a `Fault`. */
export async function enter(
  data: Bytes, entry: Signed, identity: Identity, card: Card, room: Bytes,
): Promise<{ state: ClientState; roster: Roster }> {
  const welcome = welcomeOf(data)
  const info = await groupInfoOf(welcome, identity)
  demand(same(info.groupContext.groupId, room), "wrong_room")
  const { keyPackage, secrets, cs } = identity
  const joined = joinGroupWithExtensions(welcome, keyPackage, secrets, emptyPskIndex, cs, undefined, undefined, CONFIG)
  const [state, extensions] = await joined.catch((error: Error) => {
    throw new Fault("bad_welcome", error.message)
  })
  checkSigner(state, info.signer, card, room)
  checkState(state, card, identity)
  const before = seated(room, decode("RosterExtension", extension(extensions, ROSTER_EXTENSION)))
  const roster = follow(before, entry)
  demand(roster.list.has(hex(identity.relayKey)), "bad_roster", "not seated")
  return { state, roster }
}
