import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES } from "@fenceline/store/kubernetes/testing";
import { startCluster, startReplica } from "../testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];

async function setUp(t: TestContext) {
  const cluster = await startCluster(t, (fake) => edit(fake, 1, {}));
  const { server } = cluster;
  const conditions = () => (server.get(FENCES, FENCE)?.status as ServiceFenceStatus | undefined)?.conditions ?? [];
  const isAbout = (generation: number) => conditions().length > 0 && conditions().every((each) => each.observedGeneration === generation);
  const writes = () => server.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("/status")).length;
  return { ...cluster, conditions, isAbout, writes };
}

function edit(server: Pick<Awaited<ReturnType<typeof startCluster>>["server"], "put">, generation: number, more: object): void {
  const { metadata } = fence() as { readonly metadata: object };
  server.put(FENCES, { ...fence(), metadata: { ...metadata, generation }, ...more });
}

test("issue 14: conditions say which generation they are about; one write for another, none for the same", async (t) => {
  const { server, store, collector, isAbout, conditions, writes } = await setUp(t);
  await until(() => isAbout(1));
  await collector.idle();
  const before = writes();
  // An edit of a field that changes nothing of what is true.
  edit(server, 2, { spec: { enable: true, idleWindow: "25h" }, status: server.get(FENCES, FENCE)?.status });
  await until(() => isAbout(2));
  await collector.idle();
  assert.equal(writes() - before, 1);

  const told = Promise.withResolvers<void>();
  store.onChange(() => told.resolve());
  const { metadata, ...rest } = server.get(FENCES, FENCE) as { readonly metadata: object };
  server.put(FENCES, { ...rest, metadata: { ...metadata, labels: { team: "a" } } });
  await told.promise;
  await collector.idle();
  assert.equal(writes() - before, 1, "a label is no other spec");
  assert.ok(conditions().length > 4);
});

test("issue 14: conditions of a version that named no generation are not written again for it", async (t) => {
  const { server, collector, leadership, isAbout, conditions, writes } = await setUp(t);
  await until(() => isAbout(1));
  await collector.idle();
  leadership.lose();
  const unnamed = conditions().map(({ observedGeneration: _, ...rest }) => rest);
  edit(server, 1, { status: { ...(server.get(FENCES, FENCE)?.status as object), conditions: unnamed } });
  const before = writes();
  const next = await startReplica(t, server);
  await next.collector.idle();
  assert.equal(writes(), before);
});
