/** Merging a commit, or finding the rule that burns it (docs/protocol.md, section 11). */
import { acceptAll, type CiphersuiteImpl, type ClientState, decodeMlsMessage, emptyPskIndex, type Extension, type PrivateMessage, processPrivateMessage, type Proposal } from "ts-mls"
import type { Commit } from "ts-mls/commit.js"
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js"
import { isGood } from "./agreements.ts"
import { type Bytes, hex, same } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"
import { ROOM_EXTENSION } from "./identity.ts"
import { split, unpackList } from "./lists.ts"
import type { Parsed } from "./records.ts"
import { facilitatorsOf, judgeDesk, judgeFolds, judgeState } from "./rights.ts"
import { keyOf, type Leaf, leafAt, leafOf, leavesOf, roomStateOf } from "./tree.ts"

/** Update proposals, and the commit. */
const MOST_MESSAGES = 257
const CHANGES: unknown[] = ["add", "remove", "group_context_extensions"]

export type Outcome =
  | { kind: "merged"; state: ClientState }
  | { kind: "burned" | "held"; code: string }

export function privateMessageOf(data: Bytes, contentType: string): PrivateMessage {
  const [message, size] = decodeMlsMessage(data, 0) ?? []
  demand(message?.wireformat === "mls_private_message" && size === data.length, "bad_message")
  demand(message.privateMessage.contentType === contentType, "wrong_class")
  return message.privateMessage
}

interface Said { committer: number; commit: Commit }

async function commitOf(state: ClientState, message: PrivateMessage, cs: CiphersuiteImpl): Promise<Said> {
  const { content } = await unprotectPrivateMessage(
    state.keySchedule.senderDataSecret, message, state.secretTree, state.ratchetTree, state.groupContext,
    state.clientConfig.keyRetentionConfig, cs)
  const { sender } = content.content
  demand(content.content.contentType === "commit" && sender.senderType === "member", "committer")
  return { committer: sender.leafIndex, commit: content.content.commit }
}

/** The Updates of participants before a commit. Nothing else is referenced. */
async function withUpdates(state: ClientState, items: Bytes[], cs: CiphersuiteImpl): Promise<ClientState> {
  const facilitators = facilitatorsOf(roomStateOf(state))
  for (const item of items) {
    const message = privateMessageOf(item, "proposal")
    const result = await processPrivateMessage(state, message, emptyPskIndex, cs, (incoming) => {
      demand(incoming.kind === "proposal", "proposal_by_reference")
      const { proposal, senderLeafIndex } = incoming.proposal
      demand(proposal.proposalType === "update" && senderLeafIndex !== undefined, "proposal_by_reference")
      demand(!facilitators.has(keyOf(leafAt(state, senderLeafIndex))), "proposal_by_reference")
      return "accept"
    })
    state = result.newState
  }
  return state
}

function checkProposals(commit: Commit): Proposal[] {
  const direct = commit.proposals.flatMap((each) => (each.proposalOrRefType === "proposal" ? [each.proposal] : []))
  demand(direct.every((each) => CHANGES.includes(each.proposalType)), "proposal_kind")
  return direct
}

function checkContext(before: Extension[], after: Extension[]): void {
  const types = after.map((each) => each.extensionType)
  demand(types.length === 2 && types.includes("required_capabilities") && types.includes(ROOM_EXTENSION), "context_extensions")
  const required = (all: Extension[]): string =>
    hex(all.find((each) => each.extensionType === "required_capabilities")!.extensionData)
  demand(required(before) === required(after), "required_capabilities")
}

function sameIdentity(a: Leaf, b: Leaf): boolean {
  return same(a.mlsKey, b.mlsKey) && same(a.relayKey, b.relayKey) && a.name === b.name
}

/** A leaf keeps its place and identity, comes back with it after a Remove, or is new. */
function checkLeaves(before: Leaf[], after: Leaf[], proposals: Proposal[], state: Parsed): void {
  const removed = proposals.flatMap((each) => (each.proposalType === "remove" ? [each.remove.removed] : []))
  const added = proposals.flatMap((each) => (each.proposalType === "add" ? [leafOf(each.add.keyPackage.leafNode, -1)] : []))
  for (const leaf of added) {
    const old = before.find((each) => keyOf(each) === keyOf(leaf) && removed.includes(each.index))
    if (old !== undefined) {
      demand(sameIdentity(old, leaf), "leaf_identity")
      continue
    }
    demand(!state.bool("locked"), "locked")
    demand(isGood(state, leaf.agreement), "agreement_not_accepted")
  }
  for (const old of before.filter((each) => !removed.includes(each.index))) {
    const now = after.find((each) => each.index === old.index)
    demand(now !== undefined && sameIdentity(old, now), "leaf_identity")
  }
  demand(after.every((leaf) => !leaf.appointed), "leaf_appointment")
  demand(new Set(after.map((leaf) => hex(leaf.relayKey))).size === after.length, "relay_key_twice")
}

function judge(before: ClientState, after: ClientState, said: Said, proposals: Proposal[], room: Bytes): void {
  checkContext(before.groupContext.extensions, after.groupContext.extensions)
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const committer = old.find((leaf) => leaf.index === said.committer)!
  const state = roomStateOf(after)
  checkLeaves(old, now, proposals, state)
  judgeState(roomStateOf(before), state, committer.mlsKey, room)
  for (const [mls, relay] of facilitatorsOf(state)) {
    demand(now.some((leaf) => keyOf(leaf) === mls && hex(leaf.relayKey) === relay), "facilitator_not_member")
  }
  const members = new Set(now.map(keyOf))
  demand(split(state.bytes("paused"), 32).every((key) => members.has(hex(key))), "paused_not_member")
  judgeDesk(state, now.length)
  judgeFolds(roomStateOf(before), state, old.map((leaf) => leaf.mlsKey))
}

/** What a blob of class commit makes of a state. */
export async function applyCommit(state: ClientState, blob: Bytes, cs: CiphersuiteImpl, room: Bytes): Promise<Outcome> {
  try {
    return await merged(state, blob, cs, room)
  } catch (error) {
    if (error instanceof Fault) return { kind: "burned", code: error.code }
    // The library cannot say whether all members see the error: stay, and ask to rejoin.
    return { kind: "held", code: (error as Error).message }
  }
}

async function merged(state: ClientState, blob: Bytes, cs: CiphersuiteImpl, room: Bytes): Promise<Outcome> {
  const items = unpackList(blob, MOST_MESSAGES)
  demand(items.length > 0, "bad_message")
  const message = privateMessageOf(items.at(-1)!, "commit")
  demand(message.epoch >= state.groupContext.epoch, "past_epoch")
  if (message.epoch > state.groupContext.epoch) return { kind: "held", code: "future_epoch" }
  const said = await commitOf(state, message, cs)
  demand(facilitatorsOf(roomStateOf(state)).has(hex(leavesOf(state).find((leaf) => leaf.index === said.committer)!.mlsKey)), "committer")
  const proposals = checkProposals(said.commit)
  const ready = await withUpdates(state, items.slice(0, -1), cs)
  const { newState } = await processPrivateMessage(ready, message, emptyPskIndex, cs, acceptAll)
  if (newState.groupActiveState.kind === "active") judge(state, newState, said, proposals, room)
  return { kind: "merged", state: newState }
}
