/** Hold this client to protocol/vectors. Prints one JSON line for each file: cases and failures. */
import { readFileSync } from "node:fs"
import { Agreements, isGood } from "./agreements.ts"
import { ascii, type Bytes, hex, join, number, unhex } from "./bytes.ts"
import { agreementHash, unsealCard } from "./card.ts"
import { holds } from "./ed25519.ts"
import { checkEnd, checkRemoval, checkRequest } from "./endings.ts"
import { judgeStepDown, judgeVault, openFrame, openReply, openSlot, openVault } from "./facilitation.ts"
import { chainOf } from "./facilitators.ts"
import { Fault } from "./fault.ts"
import { type Invite, parseInvite } from "./invite.ts"
import { openAnswer, shortCode, wordKey } from "./knock.ts"
import { hashWith, label } from "./labels.ts"
import { logAfter, logStart } from "./loghash.ts"
import { pack, unpack } from "./messagepack.ts"
import { alike, cleanName } from "./names.ts"
import { pad, unpad } from "./padding.ts"
import { decode, encode, fromClient, fromRelay, request } from "./records.ts"
import { judgeDesk, judgeState, may, stateOf } from "./rights.ts"
import { checkLeave, digestOf, follow, opening } from "./roster.ts"
import { keyPairOf, unseal } from "./seal.ts"
import { signedOf } from "./signed.ts"
import { judgeAsk, judgeEntry, judgeListing, keysOfLink, unwrapExternal } from "./standby.ts"
import { parseTicket } from "./ticket.ts"

/* Each file has cases of several shapes, which `kind` tells apart. */
type Case = any

async function codeOf(act: () => unknown): Promise<string | null> {
  try {
    await act()
    return null
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

function equal(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`)
  }
}

/** Decoding by one of the readers, and encoding again what was read. */
function read(reader: string, data: Bytes): void {
  if (reader === "map") {
    unpack(pack(unpack(data)))
  } else if (reader === "client frame") {
    const frame = fromClient(data)
    const again = request(frame.name, frame.fields)
    equal(hex(request(frame.name, fromClient(again).fields)), hex(again))
  } else if (reader === "relay frame") {
    fromRelay(data)
  } else {
    const record = decode(reader, data)
    const again = encode(reader, record.fields)
    equal(hex(encode(reader, decode(reader, again).fields)), hex(again))
  }
}

async function sealed(one: Case): Promise<Bytes> {
  const room = unhex(one.room)
  const blob = unhex(one.sealed)
  if (one.kind === "card") {
    const invite = inviteOf(room, one)
    return unsealCard(blob, one.number, invite)
  }
  if (one.kind === "external commit") return unwrapExternal(unhex(one.key), room, one.epoch, blob)
  const keys = await keyPairOf(unhex(one.private), unhex(one.public))
  if (one.kind === "knock" || one.kind === "late knock") {
    const late = one.kind === "late knock"
    const invite = inviteOf(room, one)
    const aad = join(room, invite.door, unhex(one.id))
    const knock = late ? blob.slice(8) : blob
    if (late && hex(blob.slice(0, 8)) !== "f".repeat(16)) throw new Fault("cannot_open")
    return unseal(keys, { id: invite.door, key: invite.psk }, join(label("knock"), aad), aad, knock)
  }
  const psk = { id: unhex(one.psk_id), key: unhex(one.psk) }
  if (one.kind === "vault") return openVault(keys, psk, room, unhex(one.sender), unhex(one.recipient), blob)
  if (one.kind === "slot") {
    const frame = { room, epoch: one.epoch, sender: unhex(one.sender), tick: one.tick, bodies: unhex(one.bodies) }
    return openSlot(keys, psk, frame, unhex(one.sender_desk), blob)
  }
  if (one.kind === "frame") {
    const frame = { room, epoch: one.epoch, sender: unhex(one.sender), tick: one.tick }
    return openFrame(keys, psk, frame, { position: one.position, slots: one.slots }, unhex(one.sender_desk), blob)
  }
  if (one.kind === "answer" || one.kind === "talk") {
    return openReply(one.kind, keys, psk, room, unhex(one.to), unhex(one.sender), blob)
  }
  if (one.kind === "request") {
    return unseal(keys, psk, join(label("request"), room, blob.slice(0, 8)), unhex(one.sender), blob.slice(8))
  }
  return openAnswer(one.kind === "welcome" ? "welcome" : "refused", keys, psk, room, blob)
}

function inviteOf(room: Bytes, one: Case): Invite {
  const bytes = join(number(1, 1), number(0, 1), unhex(one.door), room, unhex(one.secret))
  const check = hashWith("invite", bytes, ascii("https://relay.example")).slice(0, 4)
  return parseInvite(`https://relay.example/join#${Buffer.from(join(bytes, check)).toString("base64url")}`)
}

async function hash(one: Case): Promise<void> {
  if (one.kind === "word") {
    const code = await codeOf(async () => equal(hex(await wordKey(unhex(one.room), one.member, one.word)), one.key))
    return equal(code, one.code)
  }
  if (one.kind === "short code") return equal(shortCode(unhex(one.key_package)), one.code)
  const room = unhex(one.room)
  if (one.kind === "agreement") return equal(hex(agreementHash(room, one.version, unhex(one.agreement))), one.hash)
  let value = logStart(room, unhex(one.transcript))
  const values = [hex(value)]
  for (const [index, [blobClass, blob]] of one.blobs.entries()) {
    value = logAfter(value, index + 1, blobClass, unhex(blob))
    values.push(hex(value))
  }
  equal(values, one.values)
}

function chain(one: Case): void {
  const room = unhex(one.room)
  chainOf(unhex(one.opening), room)
  let roster = opening(room, signedOf(unhex(one.opening)))
  for (const entry of one.entries) roster = follow(roster, signedOf(unhex(entry)))
  if (one.code !== null) return
  equal([roster.counter, hex(roster.head), hex(digestOf(roster)), roster.flags, roster.slow, roster.lobby ?? null],
        [one.counter, one.head, one.digest, one.flags, one.slow, one.lobby])
}

async function link(one: Case): Promise<void> {
  const invite = parseInvite(one.url)
  if (one.code !== null) return
  equal([invite.role, hex(invite.door), hex(invite.room), invite.origin, hex(invite.doorSeed), hex(invite.psk), hex(invite.cardKey), invite.standby ? hex(await keysOfLink(invite)) : null],
        [one.role, one.door, one.room, one.origin, one.door_seed, one.lobby_psk, one.card_key, one.standby])
}

function wayBack(one: Case): void {
  const ticket = parseTicket(one.text)
  if (one.code !== null) return
  equal([hex(ticket.room), hex(ticket.secret), ticket.origin, hex(ticket.slot), hex(ticket.token), hex(ticket.key)],
        [one.room, one.secret, one.origin, one.slot, one.token, one.key])
}

function right(one: Case): void {
  const signed = one.signed && signedOf(unhex(one.signed))
  if (one.kind === "step down") {
    return judgeStepDown(stateOf(unhex(one.state)), unhex(one.room), one.epoch, unhex(one.asker), signed)
  }
  if (one.kind === "vault") {
    const [room, sender, recipient] = [unhex(one.room), unhex(one.sender), unhex(one.recipient)]
    const post = { room, epoch: one.epoch, sender, recipient, newest: one.newest }
    return equal(judgeVault(stateOf(unhex(one.state)), post, signed), one.complete)
  }
  if (one.kind === "ask") return judgeAsk(stateOf(unhex(one.state)), unhex(one.room), unhex(one.id), unhex(one.key), signed)
  if (one.kind === "enters" || one.kind === "lists") {
    const [mls, leaf, before] = [unhex(one.mls_key), decode("LeafExtension", unhex(one.leaf)), stateOf(unhex(one.before))]
    if (one.kind === "enters") return judgeEntry(unhex(one.room), mls, leaf, before)
    return judgeListing(before, stateOf(unhex(one.after)), mls, leaf)
  }
  if (one.kind === "desk") return judgeDesk(stateOf(unhex(one.state)), one.members)
  if (one.kind === "accepted") return equal(isGood(stateOf(unhex(one.state)), unhex(one.agreement)), one.good)
  if (one.kind === "told") {
    const texts = new Agreements(unhex(one.room))
    const after = stateOf(unhex(one.after))
    texts.told(new Uint8Array(), decode("ToldAgreement", unhex(one.body)), stateOf(unhex(one.before)))
    texts.moved(after)
    return equal(texts.of(after) !== undefined, one.shown)
  }
  if (one.kind === "act") return equal(may(stateOf(unhex(one.state)), unhex(one.key), one.act), one.may)
  judgeState(stateOf(unhex(one.before)), stateOf(unhex(one.after)), unhex(one.committer), unhex(one.room))
}

function statement(one: Case): void {
  const [room, key, signed] = [unhex(one.room), unhex(one.key), signedOf(unhex(one.signed))]
  if (one.kind === "request") {
    const asker = { room, epoch: one.epoch, mlsKey: key, leafKey: unhex(one.leaf_key), seated: one.seated }
    checkRequest(signed, one.sealed_epoch, asker)
    return
  }
  const followed = new Set<string>()
  let roster = opening(room, signedOf(unhex(one.opening)))
  for (const entry of one.entries) {
    roster = follow(roster, signedOf(unhex(entry)))
    followed.add(hex(roster.head))
  }
  if (one.kind === "leave") checkLeave(roster, one.key, roster.list.get(one.key)!.since, signed)
  else if (one.kind === "end") checkEnd(roster, signed)
  else checkRemoval(roster, signed, key, unhex(one.base), followed)
}

const CHECKS: Record<string, (one: Case) => Promise<void>> = {
  records: async (one) => equal(await codeOf(() => read(one.reader, unhex(one.bytes))), one.code),
  invites: async (one) => equal(await codeOf(() => link(one)), one.code),
  tickets: async (one) => equal(await codeOf(() => wayBack(one)), one.code),
  names: async (one) => {
    if (one.kind === "pair") return equal(alike(one.text, one.other), one.alike)
    equal(await codeOf(() => equal(cleanName(one.text), one.clean)), one.code)
  },
  padding: async (one) => {
    equal(await codeOf(() => equal(hex(unpad(unhex(one.padded))), one.content)), one.code)
    if (one.code === null) equal(hex(pad(unhex(one.content))), one.padded)
  },
  hashes: async (one) => hash(one),
  roster: async (one) => equal(await codeOf(() => chain(one)), one.code),
  ed25519: async (one) =>
    equal(holds(unhex(one.key), join(label(one.label), unhex(one.body)), unhex(one.signature)), one.holds),
  seals: async (one) => {
    let opened: string | null = null
    const code = await codeOf(async () => (opened = hex(await sealed(one))))
    equal(opened, one.opened)
    equal(code === null, one.opened !== null)
  },
  statements: async (one) => equal(await codeOf(() => statement(one)), one.code),
  rights: async (one) =>
    one.kind === "act" ? right(one) : equal(await codeOf(() => right(one)), one.code),
}

for (const [file, check] of Object.entries(CHECKS)) {
  const { cases } = JSON.parse(readFileSync(new URL(`../../../protocol/vectors/${file}.json`, import.meta.url), "utf8"))
  const failures: string[] = []
  for (const one of cases) {
    try {
      await check(one)
    } catch (error) {
      failures.push(`${one.reader ?? one.kind ?? ""} ${one.name}: ${(error as Error).message}`)
    }
  }
  console.log(JSON.stringify({ file, cases: cases.length, failures }))
}
