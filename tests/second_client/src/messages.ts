/** Application messages: sealing with the padding of section 2, opening with the sender. */
import { type CiphersuiteImpl, type ClientState, createApplicationMessage, encodeMlsMessage } from "ts-mls"
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js"
import { decryptSenderData } from "ts-mls/privateMessage.js"
import { type Bytes, same } from "./bytes.ts"
import { privateMessageOf } from "./commits.ts"
import { demand, Fault } from "./fault.ts"
import { bucket } from "./padding.ts"
import { decode, type Parsed } from "./records.ts"
import { may } from "./rights.ts"
import { type Leaf, leafAt, roomStateOf } from "./tree.ts"

const MOST = 32 * 1024
/** An Ed25519 signature behind its length (RFC 9420, section 2.1.2). */
const SIGNATURE = 2 + 64
const BODIES: Record<string, string> = { text: "Text", retract: "Retract", void: "Void", heartbeat: "Heartbeat", agreement: "ToldAgreement", fold: "Fold" }
const BEAT = 3

function headOf(size: number): number {
  return size < 64 ? 1 : size < 16384 ? 2 : 4
}

/** The generation of the next message, which its payload names. */
export function nextGeneration(state: ClientState): number {
  return state.secretTree[2 * state.privatePath.leafIndex]!.application.generation
}

/** An MLSMessage whose content, with its length and signature, fills a power of two. */
export async function protect(state: ClientState, content: Bytes, cs: CiphersuiteImpl): Promise<[ClientState, Bytes]> {
  const size = headOf(content.length) + content.length + SIGNATURE
  demand(bucket(size) <= MOST, "too_large")
  const paddingConfig = { kind: "alwaysPad", paddingLength: bucket(size) - size } as const
  const padded = { ...state, clientConfig: { ...state.clientConfig, paddingConfig } }
  const { newState, privateMessage } = await createApplicationMessage(padded, content, cs)
  const message = encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage })
  return [{ ...newState, clientConfig: state.clientConfig }, message]
}

export interface Received {
  state: ClientState
  sender: Leaf
  payload: Parsed
  /** Absent when this client does not know the kind. */
  body?: Parsed
}

/** Open a blob of class application or beat, which the member with this relay key published. Throws a `Fault`. */
export async function unprotect(
  state: ClientState, blobClass: number, blob: Bytes, publisher: Bytes | undefined, cs: CiphersuiteImpl,
): Promise<Received> {
  const message = privateMessageOf(blob, "application")
  demand(message.authenticatedData.length === 0, "bad_message", "authenticated_data")
  demand(message.epoch === state.groupContext.epoch, "wrong_epoch")
  const opened = unprotectPrivateMessage(
    state.keySchedule.senderDataSecret, message, state.secretTree, state.ratchetTree, state.groupContext,
    state.clientConfig.keyRetentionConfig, cs)
  const { content, tree } = await opened.catch((error: Error) => {
    throw new Fault("bad_message", error.message)
  })
  demand(content.content.contentType === "application", "wrong_class")
  demand(content.content.sender.senderType === "member", "bad_message")
  const sender = leafAt(state, content.content.sender.leafIndex)
  const payload = decode("Payload", content.content.applicationData)
  const head = await decryptSenderData(message, state.keySchedule.senderDataSecret, cs)
  demand(payload.int("generation") === head?.generation, "misplaced")
  const kind = payload.text("kind")
  demand((kind === "heartbeat") === (blobClass === BEAT), "wrong_class")
  demand(publisher !== undefined && same(publisher, sender.relayKey), "not_its_authors", sender.name)
  const room = roomStateOf(state)
  demand(may(room, sender.mlsKey, kind), "not_allowed", kind)
  const record = BODIES[kind]
  const after = { ...state, secretTree: tree }
  if (record === undefined) return { state: after, sender, payload }
  return { state: after, sender, payload, body: decode(record, payload.bytes("body")) }
}
