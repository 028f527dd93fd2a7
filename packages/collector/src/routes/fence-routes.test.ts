import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { FenceKey } from "@fenceline/api";
import { jsonRoute, localTokenGuard, probeRoutes, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { Registry as MetricsRegistry } from "prom-client";
import { meshOf } from "../testing/mesh.ts";
import { fenceRoutes } from "./fence-routes.ts";
import type { FenceReader } from "./views.ts";

const NAMES = serviceNames("fenceline-collector.fenceline.svc.cluster.local");

/** Reading is for everybody here: who may is said by other tests. */
const GUARD = localTokenGuard({ matches: () => false, hint: "there is none" });
const LISTED = { verb: "list", group: "microservice.slime.io", resource: "servicefences" } as const;

interface Shown {
  readonly reader?: () => FenceReader;
  readonly calls?: () => readonly object[];
}

async function start(t: TestContext, { reader, calls }: Shown = {}) {
  const routes = [
    ...(reader === undefined ? [] : fenceRoutes(reader)),
    ...(calls === undefined ? [] : [jsonRoute("/api/v1/calls", LISTED, () => ({ calls: calls() }))]),
    ...probeRoutes({ metrics: () => [new MetricsRegistry()] }),
  ];
  const api = await serveHttpApi({ host: "127.0.0.1", port: 0, names: NAMES, routes, guard: GUARD });
  t.after(() => api.close());
  return api.port;
}

interface Json {
  readonly code?: string;
  readonly message?: string;
  readonly fences?: readonly { readonly fence: string }[];
  readonly edges?: readonly { readonly source: string; readonly destination: string }[];
  readonly continue?: string;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: Json;
}

/** A request whose target, method and headers are sent as they are given. */
async function ask(
  port: number,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Got> {
  const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  let body = "";
  for await (const piece of response.setEncoding("utf8")) body += piece;
  return { status: response.statusCode, headers: response.headers, body, json: parse(body) };
}

function parse(body: string): Json {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

/** Fences with so many edges each. What was described, or had its edges read, is counted. */
class Mesh implements FenceReader {
  readonly keys: FenceKey[] = [];
  readonly hosts: number;
  described = 0;
  readonly #fence = meshOf().fences()[0] ?? assert.fail();

  constructor(fences: number, hosts: number) {
    for (let index = 0; index < fences; index += 1)
      this.keys.push({ namespace: `ns${index % 3}`, name: `f${String(index).padStart(4, "0")}` });
    this.hosts = hosts;
  }

  fences = (): readonly FenceKey[] => this.keys;
  edgeFences = (): readonly FenceKey[] => this.keys;

  describe = () => {
    this.described += 1;
    const domains = Object.fromEntries(
      this.#edges().map(({ host, source }) => [host, { hosts: [host], status: "ACTIVE" as const, source }]),
    );
    return { fence: this.#fence, status: { domains } };
  };

  edgesOf = () => {
    this.described += 1;
    return this.#edges();
  };

  #edges = () =>
    Array.from({ length: this.hosts }, (_, index) => {
      const host = `h${String(index).padStart(4, "0")}.test1.svc.cluster.local`;
      return { host, source: "learned" as const, firstSeen: 0, lastSeen: 0, requests: 1, ports: [80] };
    });
}

/** Every page of a list. */
async function pages(
  port: number,
  list: "fences" | "edges",
  query: string,
  between: (page: number) => void = () => {},
): Promise<string[][]> {
  const all: string[][] = [];
  for (let token = ""; ; ) {
    const { status, json } = await ask(port, `/api/v1/${list}?${query}${token === "" ? "" : `&continue=${token}`}`);
    assert.equal(status, 200);
    all.push((json.fences ?? []).map(({ fence }) => fence).concat((json.edges ?? []).map((edge) => `${edge.source} ${edge.destination}`)));
    if (json.continue === undefined) return all;
    token = json.continue;
    between(all.length);
  }
}

test("T-12 a list comes in pages: in order, each item once, no token behind the last", async (t) => {
  const mesh = new Mesh(10, 3);
  const port = await start(t, { reader: () => mesh });
  const fences = await pages(port, "fences", "limit=4");
  const expected = mesh.keys.map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  assert.deepEqual([fences.map(({ length }) => length), fences.flat()], [[4, 4, 2], expected]);
  const edges = await pages(port, "edges", "limit=7");
  assert.deepEqual([edges.length, new Set(edges.flat()).size, edges.flat()], [5, 30, edges.flat().toSorted()]);
  assert.deepEqual((await pages(port, "fences", "limit=10")).length, 1);
});

test("T-12 a page's size has a default, and a list of one namespace has nothing of another", async (t) => {
  const port = await start(t, { reader: () => new Mesh(250, 900) });
  const { json } = await ask(port, "/api/v1/fences");
  assert.deepEqual([json.fences?.length, typeof json.continue], [100, "string"]);
  assert.equal((await ask(port, "/api/v1/edges")).json.edges?.length, 1_000);
  const ofOne = await pages(port, "fences", "namespace=ns1&limit=50");
  assert.deepEqual([ofOne.map(({ length }) => length), ofOne.flat().every((fence) => fence.startsWith("ns1/"))], [[50, 33], true]);
  assert.deepEqual((await ask(port, "/api/v1/fences?namespace=nowhere")).json, { fences: [] });
});

test("T-12 pages are stable: fences that come and go between them neither repeat nor hide one that stays", async (t) => {
  const mesh = new Mesh(30, 1);
  const port = await start(t, { reader: () => mesh });
  const staying = mesh.keys.slice(10).map(({ namespace, name }) => `${namespace}/${name}`);
  const seen = await pages(port, "fences", "limit=3", (page) => {
    mesh.keys.push({ namespace: `ns${page % 3}`, name: `new${page}` });
    if (page <= 10)
      mesh.keys.splice(
        mesh.keys.findIndex(({ name }) => name === `f${String(page - 1).padStart(4, "0")}`),
        1,
      );
  });
  assert.equal(new Set(seen.flat()).size, seen.flat().length);
  for (const fence of staying) assert.ok(seen.flat().includes(fence), fence);
});

const NOT_VALID: Record<string, readonly [status: number, code: string, names: string]> = {
  "/api/v1/fences?limt=5": [400, "PARAMETER_UNKNOWN", "limt"],
  "/api/v1/fences?limit=5&limit=6": [400, "PARAMETER_REPEATED", "limit"],
  "/api/v1/fences?limit=": [400, "PARAMETER_INVALID", "limit"],
  "/api/v1/fences?limit=0": [400, "PARAMETER_INVALID", "limit"],
  "/api/v1/fences?limit=-1": [400, "PARAMETER_INVALID", "limit"],
  "/api/v1/fences?limit=1e3": [400, "PARAMETER_INVALID", "limit"],
  "/api/v1/fences?limit=1001": [400, "PARAMETER_INVALID", "1000"],
  "/api/v1/edges?limit=10001": [400, "PARAMETER_INVALID", "10000"],
  "/api/v1/fences?namespace=": [400, "PARAMETER_INVALID", "namespace"],
  "/api/v1/fences?namespace=A_b": [400, "PARAMETER_INVALID", "namespace"],
  "/api/v1/fences?continue=": [400, "PARAMETER_INVALID", "continue"],
  "/api/v1/fences?continue=abc": [400, "PARAMETER_INVALID", "continue"],
  [`/api/v1/edges?continue=${Buffer.from('["fences",null,"a","b"]').toString("base64url")}`]: [400, "PARAMETER_INVALID", "continue"],
  [`/api/v1/fences?namespace=b&continue=${Buffer.from('["fences","a","a","b"]').toString("base64url")}`]: [
    400,
    "PARAMETER_INVALID",
    "continue",
  ],
  [`/api/v1/fences?continue=${Buffer.from("[".repeat(1_000)).toString("base64url")}`]: [400, "PARAMETER_INVALID", "continue"],
  "/api/v1/fences/ns0/f0000?watch=1": [400, "PARAMETER_UNKNOWN", "watch"],
  "/api/v1/calls?x": [400, "PARAMETER_UNKNOWN", "x"],
  "/api/v1/fences/%zz/a": [400, "PATH_MALFORMED", "%zz"],
  [`/api/v1/${"x".repeat(5_000)}`]: [414, "URI_TOO_LONG", "4096"],
};

for (const [path, [status, code, names]] of Object.entries(NOT_VALID)) {
  test(`T-12 ${path.slice(0, 60)} is ${status} ${code}`, async (t) => {
    const port = await start(t, { reader: () => new Mesh(1, 1), calls: () => [] });
    const { status: got, json } = await ask(port, path);
    assert.deepEqual([got, json.code], [status, code]);
    assert.ok(json.message?.includes(names), json.message);
  });
}

const PATHS: Record<string, number> = {
  "/api/v1/fences/ns0/f0000": 200,
  "/api/v1/%66ences/ns0/f%30000": 200,
  "http://127.0.0.1/api/v1/fences": 200,
  "http://localhost:1/healthz?x=y": 200,
  "//api/v1/fences": 404,
  "/api//v1/fences": 404,
  "/api/v1/fences/": 404,
  "/api/v1/../v1/fences": 404,
  "/api/v1/%2e%2e/v1/fences": 404,
  "/api/v1/fences/ns0%2Ff0000": 404,
  "/api/v1/fences/ns0/f0000/x": 404,
  "/healthz/": 404,
  "/": 404,
  "*": 404,
};

for (const [path, status] of Object.entries(PATHS)) {
  test(`T-12 the path ${path} is ${status}`, async (t) => {
    const port = await start(t, { reader: () => new Mesh(1, 1) });
    assert.equal((await ask(port, path)).status, status);
  });
}

test("T-50 an unknown path is told which ones are served here, and no other", async (t) => {
  const paths = async (options: Shown) => (await ask(await start(t, options), "/api")).json.message;
  assert.equal(await paths({}), 'no "/api"; see /metrics, /healthz, /readyz');
  assert.equal(await paths({ calls: () => [] }), 'no "/api"; see /api/v1/calls, /metrics, /healthz, /readyz');
});

test("T-12 HEAD is GET without a body, and any other method is told which ones there are", async (t) => {
  const port = await start(t, { reader: () => new Mesh(2, 2) });
  for (const path of [
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/fences/ns0/f0000",
    "/api/v1/fences",
    "/api/v1/nothing",
    "/api/v1/fences?x=y",
  ]) {
    const [get, head] = [await ask(port, path), await ask(port, path, { method: "HEAD" })];
    const told = ({ status, headers }: Got) => [status, headers["content-type"], headers["content-length"]];
    assert.deepEqual([told(head), head.body], [told(get), ""], path);
  }
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) {
    const { status, headers } = await ask(port, "/api/v1/fences", { method });
    assert.deepEqual([status, headers.allow], [405, "GET, HEAD"], method);
  }
});

const HOSTS: Record<string, number> = {
  "127.0.0.1": 200,
  "10.0.0.7:18082": 200,
  "[::1]:18082": 200,
  "[fd00::7]": 200,
  localhost: 200,
  "LOCALHOST:8080": 200,
  "fenceline-collector": 200,
  "fenceline-collector.fenceline:18082": 200,
  "fenceline-collector.fenceline.svc": 200,
  "Fenceline-Collector.fenceline.svc.cluster.local.:18082": 200,
  "evil.example": 421,
  "evil.example:18082": 421,
  "127.0.0.1.evil.example": 421,
  "localhost.evil.example": 421,
  "fenceline-collector.evil": 421,
  "fenceline-collector.fenceline.svc.cluster.local.evil.example": 421,
  "127.1": 421,
  "[evil]": 421,
  "a@127.0.0.1": 421,
};

for (const [host, status] of Object.entries(HOSTS)) {
  test(`T-12 a request to the host ${host} is ${status}, whatever it asks for`, async (t) => {
    const port = await start(t, { reader: () => new Mesh(1, 1) });
    for (const path of ["/api/v1/fences", "/healthz", "/metrics"]) {
      const got = await ask(port, path, { headers: { host } });
      assert.equal(got.status, status, path);
      if (status === 421) assert.equal(got.json.code, "HOST_REFUSED");
    }
  });
}

test("T-12 many lists at once hold up nobody: between two fences of theirs a probe is answered", async (t) => {
  const mesh = new Mesh(100, 900);
  const port = await start(t, { reader: () => mesh });
  const lists = Array.from({ length: 8 }, () => ask(port, "/api/v1/fences"));
  while (mesh.described === 0) await new Promise(setImmediate);
  let probes = 0;
  const done = Promise.all(lists).then(() => true);
  let before = mesh.described;
  while (!(await Promise.race([done, ask(port, "/healthz").then(() => false)]))) {
    probes += 1;
    // Turns of the event loop that one request takes on its way; a fence each, however many lists
    // there are.
    assert.ok(mesh.described - before < 40, `${mesh.described - before} fences were described while a probe waited`);
    before = mesh.described;
  }
  assert.ok(probes > 10, `${probes} probes`);
  for (const { status, json } of await Promise.all(lists)) assert.deepEqual([status, json.fences?.length], [200, 100]);
});

for (const path of ["/api/v1/fences", "/api/v1/edges?limit=10000"]) {
  test(`T-12 of 8 GETs of ${path} at 100 fences of 900 hosts no turn of the event loop makes more than one fence's part`, async (t) => {
    const mesh = new Mesh(100, 900);
    const port = await start(t, { reader: () => mesh });
    const answers = Promise.all(Array.from({ length: 8 }, () => ask(port, path)));
    let most = 0;
    let before = 0;
    let next = setImmediate(function look() {
      most = Math.max(most, mesh.described - before);
      before = mesh.described;
      next = setImmediate(look);
    });
    const statuses = (await answers).map(({ status }) => status);
    clearImmediate(next);
    assert.deepEqual([statuses, most], [Array(8).fill(200), 1]);
    // 12 fences have the 10,000 edges of a page.
    assert.ok(mesh.described >= 8 * 12, `${mesh.described} were made`);
  });
}

test("T-12 whoever pages through all edges while others do holds up nobody, and gets each of them once, in order", async (t) => {
  const mesh = new Mesh(60, 300);
  const port = await start(t, { reader: () => mesh });
  const readers = Array.from({ length: 4 }, () => pages(port, "edges", "limit=1000"));
  const done = Promise.all(readers).then(() => true);
  while (mesh.described === 0) await new Promise(setImmediate);
  let probes = 0;
  let before = mesh.described;
  while (!(await Promise.race([done, ask(port, "/healthz").then(() => false)]))) {
    probes += 1;
    // A fence's edges in each turn of the event loop, however many read.
    assert.ok(mesh.described - before < 40, `edges of ${mesh.described - before} fences were read while a probe waited`);
    before = mesh.described;
  }
  assert.ok(probes > 10, `${probes} probes`);
  for (const read of await Promise.all(readers)) {
    const edges = read.flat();
    assert.deepEqual([read.length, edges.length, new Set(edges).size], [18, 18_000, 18_000]);
    assert.deepEqual(edges, edges.toSorted());
  }
});

test("T-12 a client that does not read its list holds up the list, and nobody's memory", async (t) => {
  const mesh = new Mesh(1_000, 900);
  const port = await start(t, { reader: () => mesh });
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.pause();
  socket.write("GET /api/v1/fences?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (let described = -1; described !== mesh.described || described <= 0; ) {
    described = mesh.described;
    for (let index = 0; index < 20; index += 1) await ask(port, "/healthz");
  }
  assert.ok(mesh.described < 300, `${mesh.described} fences were described for a client that reads nothing`);
});

test("T-12 requests that are sent ahead are answered in their order, one by one", async (t) => {
  const mesh = new Mesh(3, 2);
  const port = await start(t, { reader: () => mesh });
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n`;
  const paths = ["/healthz", "/api/v1/fences/ns0/f0000", "/nowhere", "/api/v1/edges"];
  const requests = [...paths.map((path) => `${get(path)}\r\n`), `${get("/readyz")}connection: close\r\n\r\n`];
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  socket.write(requests.join(""));
  let answers = "";
  for await (const piece of socket) answers += piece;
  const statuses = answers.match(/^HTTP\/1\.1 \d+/gm);
  assert.deepEqual(
    statuses,
    [200, 200, 404, 200, 200].map((status) => `HTTP/1.1 ${status}`),
  );
});

for (const path of ["/api/v1/fences/ns0/f0000", "/api/v1/edges", "/api/v1/fences", "/metrics"]) {
  test(`T-12 whoever asks a thousand times ahead for ${path}, and reads nothing, has nothing made for it`, async (t) => {
    const mesh = new Mesh(1, 900);
    const port = await start(t, { reader: () => mesh });
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    const closed = once(socket, "close");
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(1_000));
    socket.resume();
    await closed;
    assert.ok(mesh.described <= 1, `${mesh.described} were made`);
    assert.equal((await ask(port, "/healthz")).status, 200);
  });
}

test("T-12 a client that leaves takes its list with it", async (t) => {
  const mesh = new Mesh(1_000, 900);
  const port = await start(t, { reader: () => mesh });
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /api/v1/fences?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  for (let index = 0; index < 30; index += 1) await ask(port, "/healthz");
  const described = mesh.described;
  for (let index = 0; index < 30; index += 1) await ask(port, "/healthz");
  assert.equal(mesh.described, described);
});
