/* ts-mls 2.0.0-rc.10 behind the words of peer.js. Its package exports no internals, so what its public
   interface lacks is imported by path, past the `exports` of its package.json. */
import * as mls from "ts-mls-2"
import { signGroupInfo } from "./node_modules/ts-mls-2/dist/src/groupInfo.js"
import { signLeafNodeCommit } from "./node_modules/ts-mls-2/dist/src/leafNode.js"
import { unprotectPrivateMessage } from "./node_modules/ts-mls-2/dist/src/messageProtection.js"
import { updateLeafKey } from "./node_modules/ts-mls-2/dist/src/privateKeyPath.js"
import { ratchetTreeDecoder, ratchetTreeEncoder } from "./node_modules/ts-mls-2/dist/src/ratchetTree.js"
import { defaultClientConfig } from "./node_modules/ts-mls-2/dist/src/clientConfig.js"
import { requiredCapabilitiesDecoder } from "./node_modules/ts-mls-2/dist/src/requiredCapabilities.js"
import { externalSenderDecoder } from "./node_modules/ts-mls-2/dist/src/externalSender.js"

const SUITES = Object.fromEntries(Object.entries(mls.ciphersuites).map(([name, id]) => [id, name]))
const proposals = mls.defaultProposalTypes
const extensionTypes = mls.defaultExtensionTypes

export const directory = "ts-mls-2"
export const words = {
  add: proposals.add, update: proposals.update, remove: proposals.remove, psk: proposals.psk,
  gce: proposals.group_context_extensions, external: mls.pskTypes.external, mls10: mls.protocolVersions.mls10,
  source: mls.leafNodeSources.update, publicMessage: mls.wireformats.mls_public_message,
  privateMessage: mls.wireformats.mls_private_message, welcome: mls.wireformats.mls_welcome,
  groupInfo: mls.wireformats.mls_group_info, keyPackage: mls.wireformats.mls_key_package,
  ratchetTree: extensionTypes.ratchet_tree, externalPub: extensionTypes.external_pub,
  basic: mls.defaultCredentialTypes.basic,
}

export const suite = (number) => mls.getCiphersuiteImpl(SUITES[number])
export const extension = (type, data) => {
  if (type === extensionTypes.required_capabilities)
    return { extensionType: type, extensionData: mls.decode(requiredCapabilitiesDecoder, data) }
  if (type === extensionTypes.external_senders)
    return { extensionType: type, extensionData: mls.decode(externalSenderDecoder, data) }
  return { extensionType: type, extensionData: data }
}
export const encode = (message) => mls.encode(mls.mlsMessageEncoder, message)
export const decode = (bytes) => mls.decode(mls.mlsMessageDecoder, bytes)
export const encodeTree = (tree) => mls.encode(ratchetTreeEncoder, tree)
export const decodeTree = (bytes) => mls.decode(ratchetTreeDecoder, bytes)
export const capabilities = (suiteNumber, extensions) =>
  suiteNumber === undefined
    ? { ...mls.defaultCapabilities(), extensions: [...mls.defaultCapabilities().extensions, ...extensions] }
    : { versions: [mls.protocolVersions.mls10], ciphersuites: [suiteNumber], extensions, proposals: [],
        credentials: [mls.defaultCredentialTypes.basic] }
export { updateLeafKey }
export const getOwnLeafNode = mls.getOwnLeafNode
export const signLeaf = (tbs, key, cs) => signLeafNodeCommit(tbs, key, cs.signature)
export const signInfo = (tbs, key, cs) => signGroupInfo(tbs, key, cs.signature)

const config = (one) => ({ ...defaultClientConfig, ...one.config })
const context = (one) => ({
  cipherSuite: one.cs, authService: mls.unsafeTestingAuthenticationService, externalPsks: one.psks,
  clientConfig: config(one),
})

export const newKeyPackage = ({ cs, credential, caps, lifetime, leafExtensions, signer }) =>
  mls.generateKeyPackageWithKey({ credential, capabilities: caps, lifetime, extensions: [],
                                  signatureKeyPair: signer, cipherSuite: cs, leafNodeExtensions: leafExtensions })

export const create = (one, groupId, extensions) =>
  mls.createGroup({ context: context(one), groupId, keyPackage: one.pub, privateKeyPackage: one.priv, extensions })

export const join = async (one, welcome, ratchetTree) => {
  const { state, groupInfoExtensions } = await mls.joinGroupWithExtensions({
    context: context(one), welcome, keyPackage: one.pub, privateKeys: one.priv, ratchetTree })
  return { state, extensions: groupInfoExtensions }
}

export const commit = async (one, options) => {
  const { newState, commit, welcome } = await mls.createCommit({ context: context(one), state: one.state, ...options })
  return { state: newState, commit, welcome }
}

export const propose = async (one, proposal, wireAsPublicMessage) => {
  const { newState, message } = await mls.createProposal({
    context: context(one), state: one.state, proposal, wireAsPublicMessage })
  return { state: newState, message }
}

export const send = async (one, message, authenticatedData) => {
  const result = await mls.createApplicationMessage({ context: context(one), state: one.state, message, authenticatedData })
  return { state: result.newState, message: result.message }
}

export const receive = (one, message, callback, narrow) => {
  const common = { context: context(one), state: one.state, callback }
  if (!narrow) return mls.processMessage({ ...common, message })
  return message.wireformat === words.privateMessage
    ? mls.processPrivateMessage({ ...common, privateMessage: message.privateMessage })
    : mls.processPublicMessage({ ...common, publicMessage: message.publicMessage })
}

export const open = (one, message) =>
  unprotectPrivateMessage(
    one.state.keySchedule.senderDataSecret, message.privateMessage, one.state.secretTree,
    one.state.ratchetTree, one.state.groupContext, config(one).keyRetentionConfig, one.cs)

export const groupInfo = (one, extensions) =>
  mls.createGroupInfoWithExternalPubAndRatchetTree(one.state, extensions, one.cs)

export const joinExternally = (one, groupInfo, resync) =>
  mls.joinGroupExternal({ context: context(one), groupInfo, keyPackage: one.pub, privateKeys: one.priv, resync })

export const proposeOneself = (one, info) => mls.proposeAddExternal(info, one.pub, one.priv, one.cs)
export const exportSecret = (one, label, context, length) =>
  mls.mlsExporter(one.state.keySchedule.exporterSecret, label, context, length, one.cs)
