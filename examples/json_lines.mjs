// A program in Node that takes part in a room: the command `alcove` speaks JSON, a line each.
//
//     ALCOVE_INVITE=… node examples/json_lines.mjs
//
// docs/cli.schema.json has all events and commands. The command does the cryptography and keeps the
// keys. When this program ends, nobody reads what the command writes, and it leaves the room.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [command, ...before] = (process.env.ALCOVE_COMMAND ?? "alcove").split(" ");
const alcove = spawn(command, [...before, "join", "--name", "Node helper", "--accept", "--json"], {
  stdio: ["pipe", "pipe", "inherit"],
});
const say = (text) => alcove.stdin.write(JSON.stringify({ do: "send", text }) + "\n");

createInterface({ input: alcove.stdout }).on("line", (line) => {
  const event = JSON.parse(line);
  switch (event.event) {
    case "waiting":
      console.log("waiting to be let in");
      break;
    case "joined":
      if (event.you) say("Hello from Node.");
      break;
    case "message":
      if (event.text === "!time") say(`It is ${new Date().toISOString()}.`);
      break;
    case "closed":
      console.log(`the room is over: ${event.reason}`);
      break;
  }
});
alcove.on("exit", (status) => process.exit(status ?? 1));
process.on("SIGINT", () => alcove.stdin.write('{"do":"leave"}\n'));
