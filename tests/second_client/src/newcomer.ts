/** The way in: the door, the card, the knock, the Welcome (docs/protocol.md, section 7). */
import { hex, random } from "./bytes.ts"
import { type Card, checkCard } from "./card.ts"
import { demand } from "./fault.ts"
import { type Identity, newIdentity } from "./identity.ts"
import { type Invite, parseInvite } from "./invite.ts"
import { openAnswer, pskOf, sealKnock, shortCode } from "./knock.ts"
import { Link } from "./link.ts"
import { Member, type Tell } from "./member.ts"
import { decode, type Parsed } from "./records.ts"
import { enter } from "./welcome.ts"

/** Knock and become a member. Throws a `Fault` or a `Refusal`. */
export async function enterRoom(url: string, name: string, tell: Tell): Promise<Member> {
  const invite = parseInvite(url)
  demand(invite.role === 0, "not_offered", "standby")
  const link = new Link(invite.origin)
  try {
    return await knockAt(link, invite, name, tell)
  } catch (error) {
    link.close()
    throw error
  }
}

async function knockAt(link: Link, invite: Invite, name: string, tell: Tell): Promise<Member> {
  const relaySeed = random(32)
  link.closed = (code, why) => tell({ event: "closed", code, why: why?.message })
  await link.comeToDoor(invite.room, relaySeed, { id: invite.door, seed: invite.doorSeed })
  const answer = await link.ask("card")
  const card = checkCard(answer.bytes("card"), answer.int("number"), invite)
  tell({ event: "card", title: card.title, agreement: card.texts[0]!.text })
  const identity = await newIdentity(name, card.agreement, relaySeed)
  const id = random(16)
  const answered = new Promise<Parsed>((settle) => {
    link.heard = async (frame) => settle(frame)
  })
  const { keyPackageBytes: keyPackage, relayKey, replyKey, agreement } = identity
  const blob = await sealKnock(card.lobbyKey, invite, id, { name, keyPackage, relayKey, replyKey, agreement })
  await link.ask("knock", { id, blob })
  tell({ event: "knocked", code: shortCode(keyPackage) })
  return admitted(await answered, link, invite, card, identity, tell)
}

async function admitted(
  frame: Parsed, link: Link, invite: Invite, card: Card, identity: Identity, tell: Tell,
): Promise<Member> {
  const { room } = invite
  if (frame.name === "knock_refused") {
    demand(frame.bytes("blob").length > 0, "knock_expired")
    const body = await openAnswer("refused", identity.reply, pskOf(invite), room, frame.bytes("blob"))
    demand(false, decode("RefusalBody", body).text("code"))
  }
  demand(frame.name === "welcome", "bad_answer", frame.name)
  const welcome = await openAnswer("welcome", identity.reply, pskOf(invite), room, frame.bytes("welcome"))
  const entry = { body: frame.bytes("entry"), signature: frame.bytes("signature") }
  const { state, roster } = await enter(welcome, entry, identity, card, room)
  const member = new Member(identity, room, link, tell, state, roster, frame.bytes("position"))
  link.heard = (each) => member.heard(each)
  await member.resume()
  tell({ event: "joined", names: member.names, room: hex(room) })
  return member
}
