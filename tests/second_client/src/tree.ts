/** What the leaves and extensions of an MLS group say. */
import { type ClientState, type Extension, type LeafNode } from "ts-mls"
import { type Bytes, hex } from "./bytes.ts"
import { demand } from "./fault.ts"
import { LEAF_EXTENSION, ROOM_EXTENSION } from "./identity.ts"
import { decode, type Parsed } from "./records.ts"
import { stateOf } from "./rights.ts"

export interface Leaf { index: number; mlsKey: Bytes; relayKey: Bytes; agreement: Bytes; appointed: boolean; name: string }

/** The data of the one extension of this type. Throws a `Fault`. */
export function extension(extensions: Extension[], type: number): Bytes {
  const found = extensions.filter((each) => each.extensionType === type)
  demand(found.length === 1, "bad_extension", type.toString(16))
  return found[0]!.extensionData
}

export function leafOf(node: LeafNode, index: number): Leaf {
  const said = decode("LeafExtension", extension(node.extensions, LEAF_EXTENSION))
  const { credential } = node
  demand(credential.credentialType === "basic", "bad_credential")
  return {
    index, mlsKey: node.signaturePublicKey, relayKey: said.bytes("relay_key"), agreement: said.bytes("agreement"),
    appointed: said.has("appointment"), name: new TextDecoder().decode(credential.identity),
  }
}

export function leavesOf(state: ClientState): Leaf[] {
  return state.ratchetTree.flatMap((node, at) => (node?.nodeType === "leaf" ? [leafOf(node.leaf, at / 2)] : []))
}

export function leafAt(state: ClientState, index: number): Leaf {
  const found = leavesOf(state).find((leaf) => leaf.index === index)
  demand(found !== undefined, "no_leaf")
  return found
}

export function roomStateOf(state: ClientState): Parsed {
  return stateOf(extension(state.groupContext.extensions, ROOM_EXTENSION))
}

export const keyOf = (leaf: Leaf): string => hex(leaf.mlsKey)
