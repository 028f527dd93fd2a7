import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunningSource, SightingSink, TelemetrySource } from "@fenceline/edges";
import { CAPTURED_MESH } from "../testing/mesh.ts";
import { startCollector } from "../testing/running-collector.ts";

const A = { namespace: "test1", name: "a" };
const WEB = { host: "web.shop.svc.cluster.local", port: 8080 };

/** A source that tells what a test says. */
class SaidByTest implements TelemetrySource {
  sink: SightingSink | undefined;

  async start(sink: SightingSink): Promise<RunningSource> {
    this.sink = sink;
    return {
      close: async () => {
        this.sink = undefined;
      },
    };
  }
}

test("a source beside the access logs teaches as they do, and is closed with the collector", async (t) => {
  const source = new SaidByTest();
  const { collector, read } = await startCollector(t, CAPTURED_MESH, undefined, { sources: [source] });
  const at = Date.now();
  assert.equal(source.sink?.learns(A), true);
  source.sink?.observed(A, at);
  assert.equal(source.sink?.sighted({ fence: A, ...WEB, requests: 3, at }), "seen");
  await collector.idle();
  assert.match(read("rendered/test1/Sidecar-a.yaml"), /- shop\/web\.shop\.svc\.cluster\.local\n/);
  const { status } = collector.reader.describe(A) ?? {};
  assert.deepEqual([status?.domains[WEB.host]?.requests, status?.observedUntil], [3, new Date(at).toISOString()]);
  await collector.close();
  assert.equal(source.sink, undefined);
});

test("what a source tells of no fence, of a refused call or of a full fence is told back to it", async (t) => {
  const source = new SaidByTest();
  const full = CAPTURED_MESH.replace("spec: {enable: true}", "spec: {enable: true, maxHosts: 1}");
  await startCollector(t, full, undefined, { sources: [source] });
  const at = Date.now();
  const outcome = (more: object) => source.sink?.sighted({ fence: A, ...WEB, requests: 1, at, ...more });
  const nobody = { namespace: "test1", name: "nobody" };
  assert.equal(source.sink?.learns(nobody), false);
  assert.deepEqual(
    [
      outcome({ fence: nobody }),
      outcome({ denied: true }),
      outcome({}),
      outcome({ denied: true }),
      outcome({ host: "b.test1.svc.cluster.local" }),
    ],
    ["unknown_fence", "denied", "seen", "seen", "at_capacity"],
  );
});
