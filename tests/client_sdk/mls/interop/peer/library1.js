/* ts-mls 1.6.4 behind the words of peer.js. What is imported from a file of the package is not part of
   its public interface: a browser client would have to do the same. */
import * as mls from "ts-mls-1"
import { signGroupInfo } from "ts-mls-1/groupInfo.js"
import { signLeafNodeCommit } from "ts-mls-1/leafNode.js"
import { unprotectPrivateMessage } from "ts-mls-1/messageProtection.js"
import { updateLeafKey } from "ts-mls-1/privateKeyPath.js"
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls-1/ratchetTree.js"
import { defaultClientConfig } from "ts-mls-1/clientConfig.js"
import { getOwnLeafNode } from "ts-mls-1/clientState.js"

const SUITES = Object.fromEntries(Object.entries(mls.ciphersuites).map(([name, id]) => [id, name]))
const EXTENSIONS = Object.fromEntries(Object.entries(mls.defaultExtensionTypes).map(([name, id]) => [id, name]))

export const directory = "ts-mls-1"
export const words = {
  add: "add", update: "update", remove: "remove", psk: "psk", gce: "group_context_extensions",
  external: "external", mls10: "mls10", source: "update", publicMessage: "mls_public_message",
  privateMessage: "mls_private_message", welcome: "mls_welcome", groupInfo: "mls_group_info",
  keyPackage: "mls_key_package", ratchetTree: "ratchet_tree", externalPub: "external_pub", basic: "basic",
}

export const suite = (number) => mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(SUITES[number]))
export const extension = (type, data) => ({ extensionType: EXTENSIONS[type] ?? type, extensionData: data })
export const encode = (message) => mls.encodeMlsMessage(message)
export const decode = (bytes) => mls.decodeMlsMessage(bytes, 0)?.[0]
export const encodeTree = (tree) => encodeRatchetTree(tree)
export const decodeTree = (bytes) => decodeRatchetTree(bytes, 0)[0]
export const capabilities = (suiteNumber, extensions) =>
  suiteNumber === undefined
    ? { ...mls.defaultCapabilities(), extensions: [...mls.defaultCapabilities().extensions, ...extensions] }
    : { versions: ["mls10"], ciphersuites: [SUITES[suiteNumber]], extensions, proposals: [], credentials: ["basic"] }
export { updateLeafKey, getOwnLeafNode }
export const signLeaf = (tbs, key, cs) => signLeafNodeCommit(tbs, key, cs.signature)
export const signInfo = (tbs, key, cs) => signGroupInfo(tbs, key, cs.signature)

const config = (one) => ({ ...defaultClientConfig, ...one.config })
const index = (one) => mls.makePskIndex(one.state, one.psks)

export const newKeyPackage = ({ cs, credential, caps, lifetime, leafExtensions, signer }) =>
  mls.generateKeyPackageWithKey(credential, caps, lifetime, [], signer, cs, leafExtensions)

export const create = (one, groupId, extensions) =>
  mls.createGroup(groupId, one.pub, one.priv, extensions, one.cs, config(one))

export const join = async (one, welcome, tree) => {
  const [state, extensions] = await mls.joinGroupWithExtensions(
    welcome, one.pub, one.priv, mls.makePskIndex(undefined, one.psks), one.cs, tree, undefined, config(one))
  return { state, extensions }
}

export const commit = async (one, options) => {
  const context = { state: one.state, cipherSuite: one.cs, pskIndex: index(one) }
  const { newState, commit, welcome } = await mls.createCommit(context, options)
  return { state: newState, commit,
           welcome: welcome && { version: "mls10", wireformat: "mls_welcome", welcome } }
}

export const propose = async (one, proposal, asPublic) => {
  const { newState, message } = await mls.createProposal(one.state, asPublic, proposal, one.cs)
  return { state: newState, message }
}

export const send = async (one, plaintext, aad) => {
  const { newState, privateMessage } = await mls.createApplicationMessage(one.state, plaintext, one.cs, aad)
  return { state: newState,
           message: { version: "mls10", wireformat: "mls_private_message", privateMessage } }
}

export const receive = (one, message, seen, narrow) => {
  if (!narrow) return mls.processMessage(message, one.state, index(one), seen, one.cs)
  return message.wireformat === "mls_private_message"
    ? mls.processPrivateMessage(one.state, message.privateMessage, index(one), one.cs, seen)
    : mls.processPublicMessage(one.state, message.publicMessage, index(one), one.cs, seen)
}

export const open = (one, message) =>
  unprotectPrivateMessage(
    one.state.keySchedule.senderDataSecret, message.privateMessage, one.state.secretTree,
    one.state.ratchetTree, one.state.groupContext, config(one).keyRetentionConfig, one.cs)

export const groupInfo = (one, extensions) =>
  mls.createGroupInfoWithExternalPubAndRatchetTree(one.state, extensions, one.cs)

export const joinExternally = (one, info, resync) =>
  mls.joinGroupExternal(info, one.pub, one.priv, resync, one.cs, undefined, config(one))

export const proposeOneself = (one, info) => mls.proposeAddExternal(info, one.pub, one.priv, one.cs)
export const exportSecret = (one, label, context, length) =>
  mls.mlsExporter(one.state.keySchedule.exporterSecret, label, context, length, one.cs)
