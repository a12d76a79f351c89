/** The client behind a pipe, for tests: each line of standard input is a command, each line of
    standard output an event. The connection's end ends nothing: the pipe's does. */
import { createInterface } from "node:readline"
import { Fault } from "./fault.ts"
import { Refusal } from "./link.ts"
import type { Member } from "./member.ts"
import { enterRoom } from "./newcomer.ts"

type Command =
  | { op: "enter"; invite: string; name: string }
  | { op: "say"; text: string }
  | { op: "retract"; id: string }
  | { op: "accept"; version: number }
  | { op: "leave" }

const tell = (event: object): void => console.log(JSON.stringify(event))
let member: Member | undefined

function inside(): Member {
  if (member === undefined) throw new Fault("not_in")
  return member
}

async function run(command: Command): Promise<void> {
  switch (command.op) {
    case "enter":
      member = await enterRoom(command.invite, command.name, tell)
      return
    case "say":
      return tell({ event: "sent", id: await inside().say(command.text) })
    case "retract":
      return tell({ event: "sent", id: await inside().retract(command.id) })
    case "accept":
      inside().accept(command.version)
      return tell({ event: "accepted" })
    case "leave":
      await inside().leave()
      return tell({ event: "left" })
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await run(JSON.parse(line) as Command)
  } catch (error) {
    if (!(error instanceof Fault || error instanceof Refusal)) throw error
    tell({ event: "refused", code: error.code, text: error.message })
  }
}
process.exit(0)
