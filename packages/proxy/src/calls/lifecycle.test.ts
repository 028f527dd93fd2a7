import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ConnectedPart, Lifecycle } from "./lifecycle.ts";

/** A part that says what is done with it, and is drained when it is told so. */
function part(name: string, said: string[]): ConnectedPart & { finish(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    drain() {
      said.push(`drain ${name}`);
      return promise;
    },
    cut() {
      said.push(`cut ${name}`);
      resolve();
    },
    finish: resolve,
  };
}

test("destinations are drained once the clients and the held connections have gone", async () => {
  const said: string[] = [];
  const lifecycle = new Lifecycle();
  const [server, pools] = [part("server", said), part("pools", said)];
  const tunnel = { cut: () => said.push("cut tunnel") };
  lifecycle.addDestinationPart(pools);
  lifecycle.addClientPart(server);
  lifecycle.hold(tunnel);

  const drained = lifecycle.drain(60_000);
  assert.ok(lifecycle.isDraining);
  server.finish();
  await nextTurn();
  assert.deepEqual(said, ["drain server"]);
  lifecycle.release(tunnel);
  await nextTurn();
  assert.deepEqual(said, ["drain server", "drain pools"]);
  pools.finish();
  await drained;
});

test("at the deadline everything is cut, clients first, and a second drain waits for the same end", async () => {
  const said: string[] = [];
  const lifecycle = new Lifecycle();
  const tunnel = {
    cut() {
      said.push("cut tunnel");
      lifecycle.release(tunnel);
    },
  };
  lifecycle.addDestinationPart(part("pools", said));
  lifecycle.addClientPart(part("server", said));
  lifecycle.hold(tunnel);

  await Promise.all([lifecycle.drain(1), lifecycle.drain(60_000)]);
  assert.deepEqual(said, ["drain server", "cut server", "cut tunnel", "cut pools", "drain pools"]);
});

test("parts hear of calls that end during the drain only", () => {
  let heard = 0;
  const lifecycle = new Lifecycle();
  lifecycle.addClientPart({
    drain() {},
    cut() {},
    callEnded() {
      heard += 1;
    },
  });
  lifecycle.callEnded();
  assert.equal(heard, 0);
  void lifecycle.drain(60_000);
  lifecycle.callEnded();
  assert.equal(heard, 1);
});
