// Clerk's SDK for JavaScript against the emulator. The command is in PATH; `node --test` runs this file.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, afterEach, before, test } from "node:test";

import { createClerkClient } from "@clerk/backend";

const USER = { userId: "user_1", actor: { sub: "user_agent" } };
let command, emulator, clerk;

before(async () => {
  command = spawn("clerk-actor-tokens-emulator", ["--seed", "7"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(command.stdout), "line");
  emulator = line.replace("listening on ", "");
  clerk = createClerkClient({ secretKey: "sk_test_emulator", apiUrl: emulator, telemetry: { disabled: true } });
});

after(async () => {
  command.kill();
  // 1 if a fault is left that did not happen.
  assert.deepEqual(await once(command, "exit"), [0, null]);
});

// Everything is as it was at the start.
afterEach(async () => {
  assert.deepEqual(await control("POST", "reset"), { unused_faults: [] });
});

async function control(method, path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${emulator}/_emulator/${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

const counts = async () => (await control("GET", "state")).counts;

test("a link signs in once", async () => {
  const token = await clerk.actorTokens.create(USER);
  assert.equal(token.status, "pending");

  // As the browser: the link, and then the sign-in with its ticket.
  assert.match(await (await fetch(token.url)).text(), /signs in as the user "user_1", by "user_agent"/);
  const form = () => new URLSearchParams({ strategy: "ticket", ticket: token.token });
  const signIn = () => fetch(`${emulator}/v1/client/sign_ins`, { method: "POST", body: form() });
  assert.equal((await signIn()).status, 200);
  assert.equal((await signIn()).status, 400);

  const { creates, live_sessions } = await counts();
  assert.deepEqual([creates, live_sessions], [1, 1]);
  const { data } = await clerk.sessions.getSessionList({ userId: "user_1" });
  assert.deepEqual(data.map((session) => session.actor), [{ sub: "user_agent" }]);
});

test("a token is revoked", async () => {
  const token = await clerk.actorTokens.create(USER);
  assert.equal((await clerk.actorTokens.revoke(token.id)).status, "revoked");
  assert.equal((await counts()).live_tokens, 0);
});

test("a failure of Clerk is an error", async () => {
  await control("POST", "faults", { faults: ["create:before_commit:status(503)"] });
  await assert.rejects(clerk.actorTokens.create(USER), (error) => error.status === 503);
  assert.equal((await counts()).creates, 0);
});

test("after a lost response there is a token that no one knows of", async () => {
  await control("POST", "faults", { faults: ["create:after_commit:reset"] });
  await assert.rejects(clerk.actorTokens.create(USER));
  const { live_tokens, orphans } = await counts();
  assert.deepEqual([live_tokens, orphans], [1, 1]);
});

test("a reset brings the same ids again", async () => {
  const first = await clerk.actorTokens.create(USER);
  await control("POST", "reset");
  assert.equal((await clerk.actorTokens.create(USER)).id, first.id);
});

test("time can be moved", async () => {
  const token = await clerk.actorTokens.create(USER);
  await control("POST", "clock/advance", { milliseconds: 3600 * 1000 });
  assert.equal((await fetch(token.url)).status, 400);
});
