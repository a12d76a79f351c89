/* A peer for tests: MLS clients of one ts-mls version in one process. Each line of standard input is a
   request {op, who, …}, each line of standard output its answer {result} or {error}. Bytes are hex. */
import { readFileSync } from "node:fs"
import { createInterface } from "node:readline"

const ts = await import(process.argv[2] === "1" ? "./library1.js" : "./library2.js")
const { words } = ts
const clients = new Map()

const hex = (bytes) => Buffer.from(bytes).toString("hex")
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"))
const base64 = (text) => Buffer.from(text, "hex").toString("base64")
const extensions = (list) => (list ?? []).map(([type, data]) => ts.extension(type, bytes(data)))
const opaque = (data) => new Uint8Array([data.length, ...data])

function proposal(given) {
  switch (given.type) {
    case "add":
      return { proposalType: words.add, add: { keyPackage: ts.decode(bytes(given.key_package)).keyPackage } }
    case "remove":
      return { proposalType: words.remove, remove: { removed: given.leaf } }
    case "psk":
      return { proposalType: words.psk, psk: { preSharedKeyId: {
        psktype: words.external, pskId: bytes(given.id), pskNonce: bytes(given.nonce) } } }
    case "gce":
      return { proposalType: words.gce, groupContextExtensions: { extensions: extensions(given.extensions) } }
  }
  throw new Error(`no such proposal: ${given.type}`)
}

/* Neither version helps with an Update of one's own leaf: the key waits in `one.pending`. */
async function updateProposal(one, leafExtensions) {
  const keys = await one.cs.hpke.generateKeyPair()
  const leaf = ts.getOwnLeafNode(one.state)
  const leafNode = await ts.signLeaf({
    leafNodeSource: words.source,
    hpkePublicKey: await one.cs.hpke.exportPublicKey(keys.publicKey),
    signaturePublicKey: leaf.signaturePublicKey,
    credential: leaf.credential,
    capabilities: leaf.capabilities,
    extensions: leafExtensions ? extensions(leafExtensions) : leaf.extensions,
    groupId: one.state.groupContext.groupId,
    leafIndex: one.state.privatePath.leafIndex,
  }, one.state.signaturePrivateKey, one.cs)
  one.pending = await one.cs.hpke.exportPrivateKey(keys.privateKey)
  return { proposalType: words.update, update: { leafNode } }
}

function shown(one) {
  const { groupContext, keySchedule, ratchetTree, privatePath, groupActiveState } = one.state
  return {
    epoch: Number(groupContext.epoch),
    authenticator: hex(keySchedule.epochAuthenticator),
    tree: hex(ts.encodeTree(ratchetTree)),
    leaf: privatePath.leafIndex,
    active: groupActiveState.kind,
    proposals: Object.keys(one.state.unappliedProposals).length,
    past_epochs: one.state.historicalReceiverData.size,
    init_secret: hex(keySchedule.initSecret),
  }
}

/* What `find` sees instead of what is there and signed: the key without its length prefix. */
function unprefixed(info) {
  const stripped = info.extensions.map((one) =>
    one.extensionType === words.externalPub ? { ...one, extensionData: one.extensionData.slice(1) } : one)
  Object.defineProperty(info.extensions, "find", { value: (test) => stripped.find(test) })
  return info
}

const operations = {
  hello: () => JSON.parse(readFileSync(`./node_modules/${ts.directory}/package.json`, "utf8")).version,

  async key_package({ who, suite, identity, own, gives, grease, signer, config }) {
    const cs = await ts.suite(suite)
    const keys = signer ? clients.get(signer).signer : await cs.signature.keygen()
    const { publicPackage, privatePackage } = await ts.newKeyPackage({
      cs,
      credential: { credentialType: words.basic, identity: bytes(identity) },
      caps: ts.capabilities(grease ? undefined : suite, gives ?? []),
      lifetime: { notBefore: 0n, notAfter: 2n ** 64n - 1n },
      leafExtensions: extensions(own),
      signer: keys,
    })
    clients.set(who, { cs, signer: keys, pub: publicPackage, priv: privatePackage, psks: {}, config: config ?? {} })
    return hex(ts.encode({ version: words.mls10, wireformat: words.keyPackage, keyPackage: publicPackage }))
  },

  know_psk(one, { id, value }) {
    one.psks[base64(id)] = bytes(value)
  },

  async create(one, { group_id, group_extensions }) {
    one.state = await ts.create(one, bytes(group_id), extensions(group_extensions))
    return shown(one)
  },

  async join(one, { welcome, tree }) {
    const given = tree === undefined ? undefined : ts.decodeTree(bytes(tree))
    const joined = await ts.join(one, ts.decode(bytes(welcome)).welcome, given)
    one.state = joined.state
    const info = joined.extensions.map((each) => [each.extensionType, hex(each.extensionData)])
    return { ...shown(one), info_extensions: info }
  },

  /* The new state waits until `merge`: a relay may refuse the commit. */
  async commit(one, { proposals, as_public, info_extensions, aad }) {
    const made = await ts.commit(one, {
      extraProposals: proposals.map(proposal),
      wireAsPublicMessage: as_public,
      ratchetTreeExtension: true,
      groupInfoExtensions: extensions(info_extensions),
      authenticatedData: bytes(aad ?? ""),
    })
    one.next = made.state
    return { message: hex(ts.encode(made.commit)), welcome: made.welcome ? hex(ts.encode(made.welcome)) : null }
  },

  merge(one) {
    one.state = one.next
    return shown(one)
  },

  async propose(one, { proposal: given, as_public }) {
    const wanted = given.type === "update" ? await updateProposal(one, given.own) : proposal(given)
    const { state, message } = await ts.propose(one, wanted, as_public)
    one.state = state
    return hex(ts.encode(message))
  },

  async send(one, { plaintext, aad }) {
    const { state, message } = await ts.send(one, bytes(plaintext), bytes(aad ?? ""))
    one.state = state
    return hex(ts.encode(message))
  },

  /* `narrow`: by processPrivateMessage or processPublicMessage instead of processMessage. `takes_update`:
     the commit takes this client's Update. */
  async receive(one, { message, narrow, takes_update }) {
    const heard = []
    const seen = (incoming) => {
      heard.push(incoming.kind)
      return "accept"
    }
    const before = one.state
    if (takes_update) one.state = { ...before, privatePath: ts.updateLeafKey(before.privatePath, one.pending) }
    try {
      const result = await ts.receive(one, ts.decode(bytes(message)), seen, narrow)
      one.state = result.newState
      const plaintext = result.message === undefined ? null : hex(result.message)
      return { ...shown(one), plaintext, heard, fields: Object.keys(result).sort() }
    } catch (error) {
      one.state = before
      throw error
    }
  },

  /* What the public interface keeps to itself about a message. */
  async open(one, { message }) {
    const { content, tree } = await ts.open(one, ts.decode(bytes(message)))
    one.state = { ...one.state, secretTree: tree }
    return { plaintext: hex(content.content.applicationData), sender: content.content.sender.leafIndex,
             signature: hex(content.auth.signature) }
  },

  async group_info(one, { mended }) {
    let info = await ts.groupInfo(one, [])
    if (mended) {
      const put = info.extensions.map((each) =>
        each.extensionType === words.externalPub ? { ...each, extensionData: opaque(each.extensionData) } : each)
      info = await ts.signInfo({ ...info, extensions: put }, one.state.signaturePrivateKey, one.cs)
    }
    return hex(ts.encode({ version: words.mls10, wireformat: words.groupInfo, groupInfo: info }))
  },

  async join_externally(one, { group_info, mended, resync }) {
    const info = ts.decode(bytes(group_info)).groupInfo
    const joined = await ts.joinExternally(one, mended ? unprefixed(info) : info, resync ?? false)
    one.state = joined.newState
    const { publicMessage } = joined
    const message = hex(ts.encode({ version: words.mls10, wireformat: words.publicMessage, publicMessage }))
    return { ...shown(one), message }
  },

  async propose_oneself(one, { group_info }) {
    return hex(ts.encode(await ts.proposeOneself(one, ts.decode(bytes(group_info)).groupInfo)))
  },

  export: async (one, { label, context, length }) =>
    hex(await ts.exportSecret(one, label, bytes(context), length)),

  shown: (one) => shown(one),

  forget() {
    clients.clear()
  },
}

const FOR_NO_CLIENT = new Set(["hello", "key_package", "forget"])

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const request = JSON.parse(line)
    const operation = operations[request.op]
    const result = FOR_NO_CLIENT.has(request.op)
      ? await operation(request)
      : await operation(clients.get(request.who), request)
    answer = { result: result ?? null }
  } catch (error) {
    answer = { error: { name: error?.name ?? "Error", message: String(error?.message ?? error) } }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
