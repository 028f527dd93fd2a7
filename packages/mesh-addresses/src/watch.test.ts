import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import type { AddressUpdate, MeshAddress } from "@fenceline/api/vocabulary";
import { bearerToken, type CallerCheck, startGrpcHost } from "@fenceline/wire";
import { type AddressFeed, meshAddressService } from "./service.ts";
import { watchMeshAddresses } from "./watch.ts";

/** A feed that a test changes. */
class Feed implements AddressFeed {
  readonly known = new Map<string, MeshAddress>();
  readonly listeners = new Set<(changed: ReadonlySet<string>) => void>();

  addresses() {
    return this.known.values();
  }

  get(address: string) {
    return this.known.get(address);
  }

  onChange(listener: (changed: ReadonlySet<string>) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(...addresses: string[]) {
    for (const address of addresses) this.known.set(address, { address, kinds: 1, ports: [80] });
    this.#tell(addresses);
  }

  delete(...addresses: string[]) {
    for (const address of addresses) this.known.delete(address);
    this.#tell(addresses);
  }

  #tell(addresses: readonly string[]) {
    for (const listener of this.listeners) listener(new Set(addresses));
  }
}

const isKnown: CallerCheck = (headers) =>
  bearerToken(headers) === "secret" ? undefined : { code: "UNAUTHENTICATED", details: "not the global sidecar" };

const addressOf = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;

async function start(t: TestContext, feed: AddressFeed, port = 0) {
  const services = [meshAddressService(feed, isKnown)];
  const server = await startGrpcHost({ host: "127.0.0.1", port, services });
  t.after(() => server.close(0));
  return server;
}

/** A watcher that keeps what it is told. */
function watch(t: TestContext, port: number, token = "secret") {
  const seen = {
    known: new Set<string>(),
    coming: undefined as Set<string> | undefined,
    views: 0,
    updates: [] as AddressUpdate[],
    lost: [] as string[],
  };
  const watching = watchMeshAddresses({
    target: `127.0.0.1:${port}`,
    token: () => token,
    onLost: (reason) => seen.lost.push(reason),
    onUpdate: (update) => {
      seen.updates.push(update);
      if (update.reset) seen.coming = new Set();
      const into = seen.coming ?? seen.known;
      for (const { address } of update.addresses) into.add(address);
      for (const address of update.removed) into.delete(address);
      if (!update.complete) return;
      seen.known = seen.coming ?? seen.known;
      seen.coming = undefined;
      seen.views += 1;
    },
  });
  t.after(() => watching.close());
  return seen;
}

test("a watcher gets the whole view in pieces, then what changes", async (t) => {
  const feed = new Feed();
  feed.set(...Array.from({ length: 2_500 }, (_, at) => addressOf(at)));
  const { port } = await start(t, feed);
  const seen = watch(t, port);
  await until(() => seen.views === 1);
  assert.equal(seen.known.size, 2_500);
  assert.deepEqual(
    seen.updates.map(({ reset, complete, addresses }) => [reset, complete, addresses.length]),
    [
      [true, false, 1_000],
      [false, false, 1_000],
      [false, true, 500],
    ],
  );
  feed.set("192.168.0.1");
  feed.delete(addressOf(7));
  await until(() => seen.known.has("192.168.0.1") && !seen.known.has(addressOf(7)));
  assert.equal(seen.known.size, 2_500);
});

test("an empty mesh is a view, too", async (t) => {
  const { port } = await start(t, new Feed());
  const seen = watch(t, port);
  await until(() => seen.views === 1);
  assert.equal(seen.known.size, 0);
});

test("T-01 whoever is not the global sidecar is told nothing", async (t) => {
  const feed = new Feed();
  feed.set("10.0.0.1");
  const { port } = await start(t, feed);
  const seen = watch(t, port, "guessed");
  await until(() => seen.lost.length > 0);
  assert.match(seen.lost[0] ?? "", /not the global sidecar/);
  assert.deepEqual([seen.updates, feed.listeners.size], [[], 0]);
});

test("what changes while the view is on its way arrives behind it, however much it is", async (t) => {
  const feed = new Feed();
  feed.set(...Array.from({ length: 60_000 }, (_, at) => addressOf(at)));
  const { port } = await start(t, feed);
  const seen = watch(t, port);
  await until(() => seen.updates.length > 0);
  for (let round = 0; round < 30; round += 1) {
    feed.delete(...Array.from({ length: 1_000 }, (_, at) => addressOf(round * 1_000 + at)));
    feed.set(...Array.from({ length: 1_000 }, (_, at) => addressOf(100_000 + round * 1_000 + at)));
  }
  await until(() => seen.views > 0 && seen.coming === undefined && seen.known.size === 60_000 && !seen.known.has(addressOf(29_999)));
  assert.deepEqual([...seen.known].sort(), [...feed.known.keys()].sort());
});

test("a collector that was away is found again, and begins with a whole view", async (t) => {
  const feed = new Feed();
  feed.set("10.0.0.1");
  const first = await start(t, feed);
  const seen = watch(t, first.port);
  await until(() => seen.views === 1);
  await first.close(0);
  await until(() => seen.lost.length > 0);
  feed.delete("10.0.0.1");
  feed.set("10.0.0.2");
  await start(t, feed, first.port);
  await until(() => seen.views === 2);
  assert.deepEqual([...seen.known], ["10.0.0.2"]);
});

test("T-01 whoever's token is revoked is told nothing more within a while, and the global sidecar comes again with its new one", async (t) => {
  const feed = new Feed();
  feed.set("10.0.0.1");
  let good = "secret";
  const check: CallerCheck = async (headers) =>
    bearerToken(headers) === good ? undefined : { code: "UNAUTHENTICATED", details: "not the global sidecar" };
  const server = await startGrpcHost({ host: "127.0.0.1", port: 0, services: [meshAddressService(feed, check, 10)] });
  t.after(() => server.close(0));
  const thief = watch(t, server.port);
  await until(() => thief.views === 1);
  good = "replaced";
  const own = watch(t, server.port, "replaced");
  await until(() => own.views === 1 && thief.lost.some((reason) => reason.includes("not the global sidecar")));
  feed.set("10.0.0.2");
  await until(() => own.known.has("10.0.0.2"));
  assert.deepEqual([[...thief.known], feed.listeners.size], [["10.0.0.1"], 1]);
});
