/** The signed history of a room's members (docs/protocol.md, section 8). */
import { type Bytes, H, hex, join, number, same, unhex, zeros } from "./bytes.ts"
import { verifyBody } from "./ed25519.ts"
import { demand } from "./fault.ts"
import { hashWith, label } from "./labels.ts"
import { split, unpackList } from "./lists.ts"
import { decode, type Parsed } from "./records.ts"
import { opened, type Signed, signedOf } from "./signed.ts"

const [RESET, ADD, REMOVE, CHANGE, REJOIN, LEFT, ABSENT] = [0, 1, 2, 3, 4, 5, 6]
const [FACILITATOR, STANDBY] = [1, 2]
const ITEM = 43
const MOST_FACILITATORS = 8
const MOST_LEAVES = 1000

export interface Seat { door: Bytes; role: number; paused: number; since: number }

export interface Roster {
  room: Bytes
  counter: number
  head: Bytes
  /** Relay key in hex to seat. */
  list: Map<string, Seat>
  flags: number
  slow: number
  members: number
  /** In hex: the last lobby key that an entry named. */
  lobby?: string
  /** The keys whose last change is ABSENT. A newcomer does not know them, and takes a REMOVE of any key without a seat. */
  away?: Set<string>
}

interface Change { operation: number; key: string; door: Bytes; role: number; paused: number }

const NO_DOOR = zeros(8)

function changeOf(item: Bytes): Change {
  const change = {
    operation: item[0]!, key: hex(item.slice(1, 33)), door: item.slice(33, 41), role: item[41]!, paused: item[42]!,
  }
  demand(change.operation <= ABSENT && change.role <= STANDBY && change.paused <= 1, "bad_field", "change")
  const { operation, door, role, paused } = change
  const noDoor = same(door, NO_DOOR)
  const usesDoor = operation === ADD
  const usesRole = operation === ADD || operation === CHANGE
  const usesPause = usesRole || operation === REMOVE
  demand((usesDoor || noDoor) && (usesRole || role === 0) && (usesPause || paused === 0), "bad_field", "unused field")
  demand(operation !== RESET || /^0*$/.test(change.key), "bad_field", "unused field")
  demand(operation !== CHANGE || role !== STANDBY, "bad_field", "a standby has no leaf")
  demand(operation !== ADD || role !== STANDBY || noDoor, "bad_field", "standby")
  return change
}

function item(key: string, seat: Seat): Bytes {
  return join(number(ADD, 1), unhex(key), seat.door, number(seat.role, 1), number(seat.paused, 1))
}

export function digestOf(roster: Roster): Bytes {
  const items = [...roster.list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, seat]) => item(key, seat))
  return hashWith("list", roster.room, number(roster.flags, 1), number(roster.slow, 2), ...items)
}

/** The list that entry 0 opens. `signed` was checked against the room id. */
export function opening(room: Bytes, signed: Signed): Roster {
  const said = decode("Opening", signed.body)
  const first: Seat = { door: NO_DOOR, role: FACILITATOR, paused: 0, since: 0 }
  return {
    room, counter: 0, head: H(join(label("open"), signed.body)), list: new Map([[hex(said.bytes("relay_key")), first]]),
    flags: 0, slow: 0, members: said.int("members"), away: new Set(),
  }
}

/** The list that a Welcome tells: before the entry that seats this newcomer. Throws a `Fault`. */
export function seated(room: Bytes, extension: Parsed): Roster {
  const changes = split(extension.bytes("listing"), ITEM).map(changeOf)
  demand(changes[0]?.operation === RESET && changes.slice(1).every((each) => each.operation === ADD), "bad_roster")
  const keys = changes.slice(1).map((each) => each.key)
  demand(keys.every((key, index) => index === 0 || keys[index - 1]! < key), "bad_roster", "order")
  const list = new Map(changes.slice(1).map((each) => [each.key, seatOf(each, 0)]))
  return {
    room, counter: extension.int("counter"), head: extension.bytes("head"), list, flags: extension.int("flags"),
    slow: extension.int("slow"), members: extension.int("members"),
  }
}

function seatOf({ door, role, paused }: Change, since: number): Seat {
  return { door, role, paused, since }
}

/** What the changes make of the list. Who left is returned with the seat they had. */
function applied(
  { list: before, away }: Roster, changes: Change[], counter: number,
): [Map<string, Seat>, [string, Seat][]] {
  const restates = changes[0]?.operation === RESET
  const list = new Map(restates ? [] : before)
  const left: [string, Seat][] = []
  const touched = new Set<string>()
  let restating = restates
  for (const change of restates ? changes.slice(1) : changes) {
    restating &&= change.operation === ADD
    demand(change.operation !== RESET, "bad_roster", "RESET comes first")
    if (!restating) {
      demand(!touched.has(change.key), "bad_roster", "a member changes once")
      touched.add(change.key)
    }
    const old = list.get(change.key)
    const barred = change.operation === REMOVE && old === undefined && (away === undefined || away.has(change.key))
    demand(barred || (change.operation === ADD) === (old === undefined), "bad_roster", "on the list or not")
    if (barred) continue
    // A member who is only restated keeps the seat, and one whom a burned commit took off counts as
    // seated by entry 0. After a restated list no ADD of a newcomer can be told from theirs.
    const since = restates ? (before.get(change.key)?.since ?? 0) : counter
    if (old === undefined) list.set(change.key, seatOf(change, since))
    else if (change.operation === CHANGE) list.set(change.key, { ...old, role: change.role, paused: change.paused })
    else if (change.operation === REJOIN) continue
    else list.delete(change.key)
    if (change.operation === LEFT) left.push([change.key, old!])
  }
  return [list, left]
}

/** The keys that an ABSENT took off the list, and that nothing was done about since. */
function stillAway({ list: before, away }: Roster, after: Map<string, Seat>, changes: Change[]): Set<string> | undefined {
  if (away === undefined) return undefined
  const keys = (operation: number): string[] => changes.filter((each) => each.operation === operation).map(({ key }) => key)
  const removed = keys(REMOVE)
  const gone = [...away, ...keys(ABSENT).filter((key) => before.has(key))]
  return new Set(gone.filter((key) => !removed.includes(key) && !after.has(key)))
}

function checkLeaves(roster: Roster, leaves: Bytes[], left: [string, Seat][]): void {
  demand(leaves.length === left.length, "bad_roster", "leaves")
  for (const [index, [key, seat]] of left.entries()) checkLeave(roster, key, seat.since, signedOf(leaves[index]!))
}

/** Throws a `Fault` unless this member, seated by that entry, asked to leave in this stay. */
export function checkLeave(roster: Roster, key: string, since: number, signed: Signed): void {
  const said = opened(signed, "leave", "LeaveStatement", unhex(key))
  const counter = said.int("counter")
  demand(same(said.bytes("room"), roster.room) && hex(said.bytes("relay_key")) === key, "bad_statement", "leave")
  demand(counter >= since && counter <= roster.counter, "bad_statement", "leave of another stay")
}

function checkSizes(roster: Roster): void {
  const roles = [...roster.list.values()].map((seat) => seat.role)
  const [links, entering] = [standbys(roster, 0), standbys(roster, 1)]
  const facilitators = roles.filter((role) => role === FACILITATOR).length
  demand(facilitators >= 1 && facilitators <= MOST_FACILITATORS, "bad_roster", "roles")
  demand(links.length <= 1 && entering.length <= links.length, "bad_roster", "standby")
  demand(roles.length - links.length - entering.length <= roster.members, "room_full")
}

/** The standby keys of the list: with `paused` 0 the link's, with 1 one that enters by it. */
function standbys(roster: Roster, paused: number): string[] {
  return [...roster.list].filter(([, seat]) => seat.role === STANDBY && seat.paused === paused).map(([key]) => key)
}

/** A facilitator's entry removes standby keys, and changes nothing else about them. */
function checkByFacilitator(roster: Roster, changes: Change[]): void {
  let known = new Set([...standbys(roster, 0), ...standbys(roster, 1)])
  for (const { operation, key, role } of changes) {
    if (operation === RESET) known = new Set()
    else if (operation === ADD && role === STANDBY) known.add(key)
    else demand(operation === ADD || operation === REMOVE || !known.has(key), "bad_roster", "a standby is only removed")
  }
}

/** An entry by a standby key: the link's puts one that enters on the list, and that one lists itself. */
function checkByStandby(roster: Roster, entry: Parsed, signer: string, changes: Change[]): void {
  const [links, entering] = [standbys(roster, 0), standbys(roster, 1)]
  const lists = entering.includes(signer)
  const gone = (each: Change | undefined, key: string): boolean =>
    each !== undefined && each.operation === REMOVE && each.key === key && each.paused === 0
  const [first, last] = [changes[0], changes[changes.length - 1]]
  const rest = lists ? changes.slice(1) : changes.slice(0, -1)
  const others = lists ? links : entering
  const own = lists
    ? first?.operation === CHANGE && first.key === signer && first.role === FACILITATOR && first.paused === 0
    : last?.operation === ADD && last.role === STANDBY && last.paused === 1
  const right = own === true && rest.length === others.length && others.every((key, at) => gone(rest[at], key))
  demand(right && (lists || links.includes(signer)), "bad_roster", "by a standby")
  const same = entry.int("flags") === roster.flags && entry.int("slow") === roster.slow && !entry.has("leaves")
  const welcomes = entry.bytes("welcomes").some((byte) => byte !== 0)
  demand(same && !welcomes && entry.has("lobby") === lists, "bad_roster", "by a standby")
}

/** Follow one entry. Throws a `Fault` (`bad_roster`, or what cannot be read). */
export function follow(roster: Roster, signed: Signed): Roster {
  const entry = decode("RosterEntry", signed.body)
  const signer = entry.bytes("signer")
  demand(same(entry.bytes("room"), roster.room), "bad_roster", "another room")
  const role = roster.list.get(hex(signer))?.role
  demand(role === FACILITATOR || role === STANDBY, "bad_roster", "signer")
  verifyBody(signer, "roster", signed.body, signed.signature)
  demand(entry.int("counter") === roster.counter + 1 && same(entry.bytes("previous"), roster.head), "bad_roster", "order")
  const changes = split(entry.bytes("changes"), ITEM).map(changeOf)
  if (role === FACILITATOR) checkByFacilitator(roster, changes)
  else checkByStandby(roster, entry, hex(signer), changes)
  const [list, left] = applied(roster, changes, entry.int("counter"))
  checkLeaves(roster, entry.has("leaves") ? unpackList(entry.bytes("leaves"), MOST_LEAVES) : [], left)
  const { away: _, ...rest } = roster
  const away = stillAway(roster, list, changes)
  const after = {
    ...rest, ...(away !== undefined && { away }), list, counter: entry.int("counter"), head: H(join(label("roster"), signed.body)),
    flags: entry.int("flags"), slow: entry.int("slow"),
    ...(entry.has("lobby") && { lobby: hex(entry.bytes("lobby")) }),
  }
  checkSizes(after)
  demand(same(digestOf(after), entry.bytes("digest")), "bad_roster", "digest")
  return after
}

/** Whether the list names the same members and facilitators as the group, and the same lobby key. */
export function matches(roster: Roster, members: string[], facilitators: string[], lobby: string): boolean {
  const keys = (roles: number[]): string =>
    [...roster.list].filter(([, seat]) => roles.includes(seat.role)).map(([key]) => key).sort().join()
  const same = keys([0, FACILITATOR]) === members.sort().join() && keys([FACILITATOR]) === facilitators.sort().join()
  return same && roster.lobby === lobby
}

/** The keys of the list's facilitators, in hex. */
export function facilitators(roster: Roster): string[] {
  return [...roster.list].filter(([, seat]) => seat.role === FACILITATOR).map(([key]) => key)
}

/** Whether an entry's changes remove this key. */
export function removes(entry: Parsed, key: Bytes): boolean {
  return split(entry.bytes("changes"), ITEM).map(changeOf)
    .some((change) => change.operation === REMOVE && change.key === hex(key))
}
