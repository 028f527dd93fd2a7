import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service } from "@fenceline/api";
import fc from "fast-check";
import { DeclaredPorts } from "./declared-ports.ts";
import { fallbackPorts, largestDeclarer, MOST_FALLBACK_PORTS, undeclaredPorts } from "./fallback-ports.ts";
import { SURE_PORTS } from "./fallback-shares.ts";

const config = Config.parse({});
/** No two Services of a mesh have one name. */
function declaredBy(services: readonly Service[]): DeclaredPorts {
  return new DeclaredPorts(
    services.map((each, index) => ({ ...each, metadata: { ...each.metadata, name: `${each.metadata.name}-${index}` } })),
    config,
  );
}

const FALLBACK = { namespace: config.namespace, name: config.fallback.service };

function service(namespace: string, ...numbers: readonly number[]): Service {
  const ports = numbers.map((port) => ({ name: `http-${port}`, port }));
  return Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name: "web" }, spec: { ports } });
}

/** The fallback's Service with the chart's port 80, and these of ours. */
function live(...numbers: readonly number[]): Service {
  const ports = [80, ...numbers].map((port) => ({ name: `http-${port}`, port, protocol: "TCP", targetPort: 18_080 }));
  return Service.parse({ apiVersion: "v1", kind: "Service", metadata: FALLBACK, spec: { ports } });
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
const THIEF = service("aaa", ...range(20_000, 260));

function after(services: readonly Service[], standing: Service, idle?: ReadonlySet<number>) {
  const result = fallbackPorts({ declared: declaredBy(services), live: standing, config, ...(idle && { idle }) });
  const numbers = new Set(result.ports.map(({ port }) => port));
  return {
    ...result,
    has: (port: number) => numbers.has(port),
    live: { ...standing, spec: { ...standing.spec, ports: [...result.ports] } },
  };
}

test("T-08 one Service with 260 HTTP ports takes what others do not want, and no more", () => {
  const victims = [service("shop", 8_080, 9_090), service("zoo", ...range(30_000, 100))];
  const { ports, has, omitted } = after([THIEF, ...victims], live());
  assert.equal(ports.length, MOST_FALLBACK_PORTS);
  for (const port of [8_080, 9_090, ...range(30_000, 100)]) assert.ok(has(port), String(port));
  assert.equal(omitted.length, 260 - (MOST_FALLBACK_PORTS - 1 - 102));
});

test("T-08 two namespaces that want everything get the same, whatever their names", () => {
  const { ports } = after([THIEF, service("zoo", ...range(30_000, 260))], live());
  const ofThief = ports.filter(({ port }) => port >= 20_000 && port < 30_000).length;
  const ofZoo = ports.filter(({ port }) => port >= 30_000).length;
  assert.deepEqual([ofThief, ofZoo], [125, 124]);
});

test("T-08 a namespace that comes when every place is taken gets the places that it is sure of, from the one that has most", () => {
  const full = after([THIEF], live());
  assert.equal(full.ports.length, MOST_FALLBACK_PORTS);
  const many = service("shop", ...range(1_000, 20));
  const { ports, has, givenUp = [], omitted } = after([THIEF, many], full.live);
  assert.equal(ports.length, MOST_FALLBACK_PORTS);
  assert.equal(range(1_000, 20).filter(has).length, SURE_PORTS);
  assert.equal(givenUp.length, SURE_PORTS);
  assert.ok(givenUp.every(({ port }) => port >= 20_000));
  assert.equal(omitted.length, 20 - SURE_PORTS + 260 - (MOST_FALLBACK_PORTS - 1));
});

test("T-08 a tenant takes no more than that from another one, however much it wants", () => {
  const full = after([service("shop", ...range(1_000, 249))], live());
  const { has } = after([THIEF, service("shop", ...range(1_000, 249))], full.live);
  assert.equal(range(1_000, 249).filter(has).length, 249 - SURE_PORTS);
});

test("T-08 what one namespace alone declares goes first; the chart's port, and ports that are not ours, never go", () => {
  const shared = service("other", ...range(20_000, 240));
  const full = after([THIEF, shared], live());
  const mine = { name: "mine", port: 20_249, protocol: "TCP" as const, targetPort: 7 };
  const ports = full.live.spec.ports.map((port) => (port.port === 20_248 ? { ...mine, port: 20_248 } : port));
  const { givenUp = [] } = after([THIEF, shared, service("shop", ...range(1_000, 20))], {
    ...full.live,
    spec: { ...full.live.spec, ports },
  });
  assert.deepEqual(givenUp.map(({ port }) => port).sort(), range(20_240, 8));
});

test("T-08 two namespaces that declare the same 260 ports keep nobody out either", () => {
  const twins = [THIEF, service("bbb", ...range(20_000, 260))];
  const full = after(twins, live());
  const { has, givenUp = [] } = after([...twins, service("shop", 8_080)], full.live);
  assert.deepEqual([has(8_080), givenUp.length], [true, 1]);
});

test("T-08 a port that nobody declares any more stays while there is room, and goes first where there is none", () => {
  const full = after([THIEF], live());
  assert.deepEqual(undeclaredPorts({ declared: declaredBy([service("shop", 20_000)]), live: full.live, config }), range(20_001, 248));
  const idle = new Set(range(20_001, 248));
  assert.equal(after([service("shop", 20_000)], full.live, idle).givenUp, undefined);
  const { givenUp, has, omitted } = after([service("shop", 20_000, 8_080)], full.live, idle);
  assert.deepEqual([givenUp?.map(({ port }) => port), has(8_080), has(20_000), omitted], [[20_248], true, true, []]);
  assert.deepEqual(after([service("shop", 20_000, 8_080)], full.live).omitted, [8_080], "not before it is known to be idle for long");
});

test("T-08 who holds most of the places is named", () => {
  const full = after([THIEF, service("shop", 8_080)], live());
  assert.deepEqual(largestDeclarer({ declared: declaredBy([THIEF, service("shop", 8_080)]), live: full.live }), {
    namespace: "aaa",
    ports: 248,
  });
});

test("law: nobody loses what they declare, but for the places that others are sure of; and once done there is nothing to do", () => {
  const namespaces = ["a", "b", "c", "d"];
  const mesh = fc.array(
    fc.record({
      namespace: fc.constantFrom(...namespaces),
      first: fc.integer({ min: 1_000, max: 1_400 }),
      count: fc.integer({ min: 1, max: 300 }),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(mesh, mesh, (before, added) => {
      const servicesOf = (given: typeof before) => given.map(({ namespace, first, count }) => service(namespace, ...range(first, count)));
      const full = after(servicesOf(before), live());
      const all = servicesOf([...before, ...added]);
      const result = after(all, full.live);
      assert.ok(result.ports.length <= MOST_FALLBACK_PORTS);
      assert.ok((result.givenUp ?? []).length <= SURE_PORTS * namespaces.length);
      const again = after(all, result.live);
      assert.deepEqual([again.ports, again.givenUp], [result.ports, undefined]);
      for (const namespace of namespaces) {
        const wants = new Set(
          all.filter(({ metadata }) => metadata.namespace === namespace).flatMap(({ spec }) => spec.ports.map(({ port }) => port)),
        );
        const gets = [...wants].filter(result.has).length;
        assert.ok(gets >= Math.min(wants.size, SURE_PORTS), `${namespace} gets ${gets} of ${wants.size}`);
      }
    }),
    { numRuns: 100 },
  );
});
