/** Pseudonyms: which are allowed, and which look alike (docs/protocol.md, section 7). */
import { readFileSync } from "node:fs"
import { demand } from "./fault.ts"

const TABLE = JSON.parse(
  readFileSync(new URL("../../../client_sdk/alcove/joining/names.json", import.meta.url), "utf8"),
)

const [ZWNJ, ZWJ, EMOJI_STYLE] = ["\u200c", "\u200d", "\ufe0f"]
const JOINERS = ZWNJ + ZWJ + EMOJI_STYLE
const MARKS_IN_A_ROW = 4
const RESERVED = ["facilitator", "moderator", "administrator"]
const RESERVED_WORDS = "admin alcove everyone host mod relay staff standby system you".split(" ")

/** The file has the first and last character of each run, each as the distance from the one before. */
function runs(name: string): (character: string) => boolean {
  const edges: number[] = []
  for (const distance of TABLE[name] as number[]) edges.push((edges.at(-1) ?? 0) + distance)
  return (character) => {
    const code = character.codePointAt(0)!
    let [low, high] = [0, edges.length / 2]
    while (low < high) {
      const middle = (low + high) >> 1
      if (edges[2 * middle + 1]! < code) low = middle + 1
      else high = middle
    }
    return 2 * low < edges.length && edges[2 * low]! <= code
  }
}

const allowed = runs("allowed")
const written = runs("written")
const pictograph = runs("pictographs")
const mark = runs("marks")
const nonspacing = runs("nonspacing")
const sign = runs("signs")
const virama = runs("viramas")
const joinsNext = runs("joins_next")
const joinsPrevious = runs("joins_previous")
const transparent = runs("transparent")
const looks = new Map<string, [string, string]>(
  (TABLE.looks as string[]).map((line) => {
    const [character, first, last] = line.split("\t")
    return [character!, [first!, last ?? first!]]
  }),
)

/** The name in its one spelling. Throws a `Fault` with the code of the rule that it breaks. */
export function cleanName(typed: string): string {
  const stripped = [...typed.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "")]
  const known = (one: string) => allowed(one) || written(one) || pictograph(one) || (JOINERS + " ").includes(one)
  demand(stripped.every(known), "name_deceptive")
  const name = stripped.join("").normalize("NFKC").replace(/ +/g, " ").replace(/^ | $/g, "")
  const letters = [...name]
  demand(letters.every((_, place) => fits(letters, place)), "name_deceptive")
  const visible = (one: string) => pictograph(one) || (allowed(one) && !mark(one) && !sign(one))
  demand(letters.some(visible), "name_empty")
  demand(letters.length <= 32 && new TextEncoder().encode(name).length <= 128, "name_too_long")
  demand(!reserved(name), "name_reserved")
  return name
}

function fits(name: string[], place: number): boolean {
  const one = name[place]!
  const before = name[place - 1] ?? ""
  const afterVirama = before !== "" && virama(before)
  if (one === ZWNJ) return afterVirama || betweenJoined(name, place)
  if (one === ZWJ) return afterVirama || betweenPictographs(name, place)
  if (one === EMOJI_STYLE) return before !== "" && pictograph(before)
  if (mark(one)) return markFits(name, place)
  return one === " " || allowed(one) || pictograph(one)
}

function betweenJoined(name: string[], place: number): boolean {
  let [before, after] = [place - 1, place + 1]
  while (before >= 0 && transparent(name[before]!)) before--
  while (after < name.length && transparent(name[after]!)) after++
  return before >= 0 && after < name.length && joinsNext(name[before]!) && joinsPrevious(name[after]!)
}

function betweenPictographs(name: string[], place: number): boolean {
  const before = place - (name[place - 1] === EMOJI_STYLE ? 2 : 1)
  const [left, right] = [name[before], name[place + 1]]
  return left !== undefined && right !== undefined && pictograph(left) && pictograph(right)
}

function markFits(name: string[], place: number): boolean {
  const before = name[place - 1] ?? ""
  if (["", " ", ZWJ, EMOJI_STYLE].includes(before) || pictograph(before)) return false
  if (!nonspacing(name[place]!)) return true
  let first = place
  while (first > 0 && nonspacing(name[first - 1]!)) first--
  return before !== name[place] && place - first < MARKS_IN_A_ROW
}

/** How a name looks, in two ways. Two names look alike if either is the same. */
export function looksOf(name: string): [string, string] {
  const seen = [...name.normalize("NFKC").normalize("NFD")]
    .filter((one) => !(JOINERS + " ").includes(one) && !sign(one))
    .map((one) => looks.get(one) ?? [one, one])
  const look = (which: 0 | 1) => seen.map((one) => one[which]).join("").normalize("NFD")
  return [look(0), look(1)]
}

export function alike(one: string, other: string): boolean {
  const others = looksOf(other)
  return looksOf(one).some((look) => others.includes(look))
}

function reserved(name: string): boolean {
  const inside = RESERVED.flatMap(looksOf)
  if (looksOf(name).some((look) => inside.some((part) => look.includes(part)))) return true
  return name.split(/[ .,_&+!-]/).some((word) => RESERVED_WORDS.some((one) => alike(one, word)))
}
