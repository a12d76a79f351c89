// ts-mls as a peer of the benchmark: one request a line on standard input, one answer a line.
// A request names an operation; the answer is its time in milliseconds and what it made, in bytes.

import { createInterface } from "node:readline";
import {
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processPrivateMessage,
} from "ts-mls";

const TEXT = new Uint8Array(512).fill(0x61);
const SUITES = {
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  3: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
};
const groupId = new TextEncoder().encode("bench");
let suite, people, alice, first, welcome, bob, commit, message;

const person = (name) =>
  generateKeyPackage(
    { credentialType: "basic", identity: new TextEncoder().encode(name) },
    defaultCapabilities(),
    defaultLifetime,
    [],
    suite,
  );

const packed = (kind, name, body) =>
  encodeMlsMessage({ version: "mls10", wireformat: `mls_${kind}`, [name]: body });

const received = (bytes, name) => decodeMlsMessage(bytes, 0)[0][name];

async function timed(work) {
  const begun = process.hrtime.bigint();
  const used = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(used);
  const elapsed = Number(process.hrtime.bigint() - begun) / 1e6;
  // Node works on several threads: time on the clock or of the processors, whichever is less.
  return [value, Math.min(elapsed, (user + system) / 1e3)];
}

const operations = {
  // Not measured: everybody's keys.
  async setup({ number, members }) {
    suite = await getCiphersuiteImpl(getCiphersuiteFromName(SUITES[number]));
    people = [];
    for (let index = 0; index < members; index++) people.push(await person(`p${index}`));
    return { ms: 0, bytes: packed("key_package", "keyPackage", people[0].publicPackage).length };
  },

  async build() {
    const [result, ms] = await timed(async () => {
      const [me, ...others] = people;
      const state = await createGroup(groupId, me.publicPackage, me.privatePackage, [], suite);
      const extraProposals = others.map((other) => ({
        proposalType: "add",
        add: { keyPackage: other.publicPackage },
      }));
      const made = await createCommit(
        { state, cipherSuite: suite },
        { extraProposals, ratchetTreeExtension: true },
      );
      return { state: made.newState, bytes: packed("welcome", "welcome", made.welcome) };
    });
    alice = first = result.state;
    welcome = result.bytes;
    return { ms, bytes: welcome.length };
  },

  async join() {
    const [state, ms] = await timed(() =>
      joinGroup(
        received(welcome, "welcome"),
        people[1].publicPackage,
        people[1].privatePackage,
        emptyPskIndex,
        suite,
      ),
    );
    bob = state;
    return { ms, bytes: 0 };
  },

  async update() {
    const [made, ms] = await timed(async () => {
      const result = await createCommit({ state: first, cipherSuite: suite }, {});
      return { state: result.newState, bytes: encodeMlsMessage(result.commit) };
    });
    alice = made.state;
    commit = made.bytes;
    return { ms, bytes: commit.length };
  },

  async process() {
    const [made, ms] = await timed(() =>
      processPrivateMessage(bob, received(commit, "privateMessage"), emptyPskIndex, suite),
    );
    bob = made.newState;
    return { ms, bytes: 0 };
  },

  async encrypt({ times }) {
    const [made, ms] = await timed(async () => {
      const bytes = [];
      for (let count = 0; count < times; count++) {
        const result = await createApplicationMessage(alice, TEXT, suite);
        alice = result.newState;
        bytes.push(packed("private_message", "privateMessage", result.privateMessage));
      }
      return bytes;
    });
    message = made;
    return { ms: ms / times, bytes: made[0].length };
  },

  async decrypt() {
    const [, ms] = await timed(async () => {
      for (const bytes of message) {
        const body = received(bytes, "privateMessage");
        bob = (await processPrivateMessage(bob, body, emptyPskIndex, suite)).newState;
      }
    });
    return { ms: ms / message.length, bytes: 0 };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await operations[request.operation](request);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
