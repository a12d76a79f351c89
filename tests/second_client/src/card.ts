/** The room card: opening and checking it (docs/protocol.md, section 4). */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js"
import { type Bytes, hex, join, number, same } from "./bytes.ts"
import { demand, Fault } from "./fault.ts"
import { chainOf, extended, type Known } from "./facilitators.ts"
import type { Invite } from "./invite.ts"
import { hashWith, label } from "./labels.ts"
import { unpackList } from "./lists.ts"
import { unpad } from "./padding.ts"
import { decode } from "./records.ts"
import { opened, signedOf } from "./signed.ts"

export interface Text { language: string; summary: string; text: string }

export interface Card {
  /** The first facilitator, from whom all others chain. */
  first: Known
  lobbyKey: Bytes
  title: string
  texts: Text[]
  /** Of the agreement: what is accepted by knocking. */
  agreement: Bytes
  agreementVersion: number
}

const SUITE = 3
const MOST_LANGUAGES = 16
const MOST_TEXT = 16 * 1024

export function unsealCard(sealed: Bytes, number_: number, invite: Invite): Bytes {
  const aad = join(label("card"), invite.room, invite.door, number(number_, 8))
  try {
    return unpad(xchacha20poly1305(invite.cardKey, sealed.slice(0, 24), aad).decrypt(sealed.slice(24)))
  } catch (error) {
    throw error instanceof Fault ? error : new Fault("bad_seal", "card")
  }
}

/** The agreement in each of its languages. Throws a `Fault`. */
export function textsOf(agreement: Bytes): Text[] {
  const texts = unpackList(agreement, MOST_LANGUAGES).map((item) => decode("AgreementText", item))
  const languages = texts.map((each) => each.text("language"))
  const size = texts.reduce((sum, each) => sum + Buffer.byteLength(each.text("text") + each.text("summary")), 0)
  demand(texts.length > 0 && new Set(languages).size === texts.length && size <= MOST_TEXT, "bad_field", "agreement")
  return texts.map((each) => ({ language: each.text("language"), summary: each.text("summary"), text: each.text("text") }))
}

export function agreementHash(room: Bytes, version: number, agreement: Bytes): Bytes {
  return hashWith("agreement", room, number(version, 8), agreement)
}

/** Open and check a card, in the order of the document. Throws a `Fault`. */
export function checkCard(sealed: Bytes, number_: number, invite: Invite): Card {
  const signed = signedOf(unsealCard(sealed, number_, invite))
  const unproved = decode("Card", signed.body) // it names the keys that prove it
  const first = chainOf(unproved.bytes("opening"), invite.room)
  const known = extended(first, unproved.bytes("appointments"), invite.room)
  demand(known.has(hex(unproved.bytes("signer"))), "unknown_signer")
  const card = opened(signed, "card", "Card", unproved.bytes("signer"))
  demand(same(card.bytes("room"), invite.room), "wrong_room")
  demand(card.int("number") === number_, "wrong_number")
  const texts = textsOf(card.bytes("agreement"))
  demand(card.int("suite") === SUITE, "suite")
  const version = card.int("agreement_version")
  return {
    first,
    texts,
    lobbyKey: card.bytes("lobby_key"),
    title: card.text("title"),
    agreement: agreementHash(invite.room, version, card.bytes("agreement")),
    agreementVersion: version,
  }
}
