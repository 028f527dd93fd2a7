import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceEntry } from "@fenceline/api";
import fc from "fast-check";
import { includesHost, overlap } from "./host-pattern.ts";
import { MeshHosts } from "./mesh-hosts.ts";
import { PatternIndex } from "./pattern-index.ts";

const label = fc.stringMatching(/^[ab]{0,3}$/);
const host = fc.tuple(fc.constantFrom("", "*"), fc.array(label, { maxLength: 3 })).map(([star, labels]) => star + labels.join("."));
const change = fc.record({ host, item: fc.nat(2), isGone: fc.boolean(), asked: host });

test("T-08 an index of patterns finds what a look at every pattern finds, after any changes", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const index = new PatternIndex<string>();
      const known = new Map<string, string>();
      for (const { host: pattern, item, isGone, asked } of changes) {
        const text = `${pattern} ${item}`;
        if (isGone) index.delete(pattern, text);
        else index.add(pattern, text);
        if (isGone) known.delete(text);
        else known.set(text, pattern);
        const found = (takes: (pattern: string) => boolean) => [...known].flatMap(([each, of]) => (takes(of) ? [each] : [])).sort();
        assert.deepEqual(
          [...index.matching(asked)].sort(),
          found((each) => overlap(each, asked)),
        );
        assert.deepEqual(
          [...index.including(asked)].sort(),
          found((each) => includesHost(each, asked)),
        );
        assert.equal(index.matches(asked), found((each) => overlap(each, asked)).length > 0);
        assert.equal(index.has(asked), found((each) => each === asked).length > 0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("T-08 wildcards with the same ending, and rules for them, cost look-ups of others next to nothing", () => {
  const index = new PatternIndex<number>();
  for (let at = 0; at < 20_000; at += 1) index.add(`*r${at}.x.com`, at);
  const before = process.cpuUsage();
  for (let at = 0; at < 5_000; at += 1) {
    assert.equal(index.matches(`h${at}.x.com`), false);
    assert.equal(index.matching(`*h${at}.x.com`).size, 0);
  }
  const took = process.cpuUsage(before).user / 1_000;
  assert.ok(took < 1_000, `${took} ms`);
});

test("T-08 thousands of ServiceEntries of a namespace for one host cost look-ups of others next to nothing", () => {
  const spec = { hosts: ["*.local"], ports: [{ number: 80, name: "http", protocol: "HTTP" }] };
  const serviceEntries = Array.from({ length: 10_000 }, (_, at) =>
    ServiceEntry.parse({
      ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { namespace: "evil", name: `e${at}` } },
      spec,
    }),
  );
  const hosts = new MeshHosts({ serviceEntries });
  const before = process.cpuUsage();
  for (let at = 0; at < 500; at += 1) {
    assert.equal(hosts.entriesFor(`h${at}.shop.svc.cluster.local`, "shop").length, 1);
    assert.equal(hosts.entryNamed(`h${at}.shop.svc.cluster.local`, 81), undefined);
  }
  const took = process.cpuUsage(before).user / 1_000;
  assert.ok(took < 1_500, `${took} ms`);
});
