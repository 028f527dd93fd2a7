import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { ConnectionPlaces, type PlaceHolder } from "./connection-places.ts";

/** A connection. That it ends is told later than it is displaced, as of a real one. */
class Held implements PlaceHolder {
  isIdle: boolean;
  isGone = false;

  constructor(isIdle = false) {
    this.isIdle = isIdle;
  }

  displace(): void {
    assert.equal(this.isGone, false, "it was displaced before");
    this.isGone = true;
  }
}

const SIDECAR = "127.0.0.6";
const limits = (most: { max?: number; address?: number; peer?: number }) => ({
  maxConnections: most.max ?? 1_000,
  maxConnectionsPerAddress: most.address ?? 1_000,
  maxConnectionsPerPeer: most.peer ?? 1_000,
});

/** One that comes by the sidecar and shows this identity. Returns whether its peer has a share. */
function comes(places: ConnectionPlaces, peer: string, connection = new Held()): boolean {
  assert.equal(places.admits(SIDECAR, true), undefined);
  places.take(SIDECAR, connection);
  return places.belongsTo(peer, connection);
}

test("T-09 a connection of the sidecar counts for its peer once that is known, and no more for the sidecar's address", () => {
  const places = new ConnectionPlaces(limits({ address: 2 }));
  for (let count = 0; count < 10; count++) assert.equal(comes(places, "test1/a"), true);
  assert.equal(places.taken, 10);
});

test("T-09 connections of the sidecar that show nobody, and have no call, make room for a newcomer; those of another address do not", () => {
  const places = new ConnectionPlaces(limits({ address: 2 }));
  const silent = [new Held(true), new Held(true)];
  for (const connection of silent) places.take(SIDECAR, connection);
  assert.equal(comes(places, "test1/a"), true);
  assert.deepEqual(
    silent.map(({ isGone }) => isGone),
    [true, false],
  );
  for (let count = 0; count < 2; count++) places.take("10.0.0.1", new Held(true));
  assert.equal(places.admits("10.0.0.1", false), "address_connections");
});

test("T-09 a peer has no more than its share, and what it left open without a call makes room for its next connection", () => {
  const places = new ConnectionPlaces(limits({ peer: 3 }));
  const idle = new Held(true);
  for (const connection of [new Held(), idle, new Held()]) assert.equal(comes(places, "evil/x", connection), true);
  assert.equal(comes(places, "evil/x"), true);
  assert.equal(idle.isGone, true);
  assert.equal(comes(places, "evil/x"), false);
  assert.equal(comes(places, "test1/a"), true);
});

test("T-09 a peer beyond its share gets no place for what is displaced of its surplus", () => {
  const places = new ConnectionPlaces(limits({ peer: 3 }));
  for (let count = 0; count < 3; count++) assert.equal(comes(places, "evil/x"), true);
  // Its streams are refused, so it has no call.
  for (let count = 0; count < 10; count++) assert.equal(comes(places, "evil/x", new Held(true)), false);
  assert.equal(places.taken, 4);
});

test("T-09 no peer's share is more than half of all places", () => {
  const places = new ConnectionPlaces(limits({ max: 10 }));
  const shares = Array.from({ length: 6 }, () => comes(places, "evil/x"));
  assert.deepEqual(shares, [true, true, true, true, true, false]);
});

test("T-09 when all places are taken, who has most of them gives one up to a newcomer, and a fair share stays", () => {
  const places = new ConnectionPlaces(limits({ max: 10 }));
  const [first, idle] = [new Held(), new Held(true)];
  for (const connection of [first, idle]) comes(places, "evil/x", connection);
  for (let count = 0; count < 6; count++) comes(places, "evil/x");
  for (let count = 0; count < 2; count++) comes(places, "test1/a");
  assert.equal(comes(places, "test1/b"), true);
  assert.deepEqual([idle.isGone, first.isGone, places.taken], [true, false, 10]);
  assert.equal(comes(places, "test1/c"), true);
  assert.deepEqual([first.isGone, places.taken], [true, 10]);
});

test("T-09 when everybody has as few as a newcomer would, it is the one that has to go", () => {
  const places = new ConnectionPlaces(limits({ max: 3 }));
  for (const peer of ["test1/a", "test1/b", "test1/c"]) comes(places, peer);
  assert.equal(places.admits(SIDECAR, true), "connections");
});

/** How many connections, each of another address, get a place. */
const PLACES = `
  const { ConnectionPlaces } = await import(${JSON.stringify(new URL("./connection-places.ts", import.meta.url).href)});
  const { DEFAULT_HOST_LIMITS } = await import(${JSON.stringify(new URL("./limits.ts", import.meta.url).href)});
  const memory = Number(process.argv[1]);
  if (memory > 0) process.constrainedMemory = () => memory;
  const places = new ConnectionPlaces(DEFAULT_HOST_LIMITS);
  while (places.admits(String(places.taken), false) === undefined) places.take(String(places.taken), { isIdle: false, displace() {} });
  console.log(places.taken);
`;

/**
 * The same in a process of its own. @param memory bytes that its container has; 0: those of the
 * machine
 */
function placesIn({ files, memory }: { readonly files: number; readonly memory: number }): number {
  const script = 'ulimit -n "$1" && shift && exec "$@"';
  const node = [process.execPath, "--input-type=module", "--eval", PLACES, String(memory)];
  return Number(execFileSync("sh", ["-c", script, "sh", String(files), ...node], { encoding: "utf8" }));
}

test("T-10 connections take a quarter of the process's open files at most", () => {
  assert.equal(placesIn({ files: 403, memory: 0 }), 100);
});

test("T-10 connections take a quarter of the container's memory at most, at 48 KiB each", () => {
  const [largest, afforded] = [48 * 1024, 50];
  assert.equal(placesIn({ files: 1_024, memory: 4 * largest * afforded }), afforded);
  assert.equal(placesIn({ files: 1_024, memory: 4 * largest * (afforded + 1) - 1 }), afforded);
});

test("T-10 however little the process has, a connection has a place", () => {
  assert.equal(placesIn({ files: 1_024, memory: 1 }), 1);
});
