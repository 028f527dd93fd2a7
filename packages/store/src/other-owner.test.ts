/** One object that two owners ask for: both stores leave it to the one who has it, and say so. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fenceRef, type ObjectRef, OWN_KINDS, type OwnKind, type Sidecar } from "@fenceline/api";
import { VALVE } from "@fenceline/api/testing";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore } from "./directory/directory-store.ts";
import { CONFIG_MAPS, MESH_CONFIG_MAP } from "./kubernetes/testing/index.ts";
import { openStoreOn } from "./kubernetes/testing/store-under-test.ts";
import type { Store } from "./store.ts";

const kinds: readonly OwnKind[] = [...OWN_KINDS, VALVE];
const VALVE_A: ObjectRef = { kind: VALVE.name, namespace: "test1", name: "a" };
const FENCE_VALVE_A = fenceRef({ namespace: "test1", name: "valve-a" });
const PLACE = { kind: "Sidecar", namespace: "test1", name: "valve-a" } as const;
const CONFLICT = "Sidecar test1/valve-a belongs to Valve a, not to ServiceFence valve-a; it is left as it is";

/** The Sidecar that the valve `a` and the fence `valve-a` both ask for. */
function sidecarOf(owner: ObjectRef, ...hosts: readonly string[]): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: {
      ...{ namespace: "test1", name: "valve-a", labels: { "app.kubernetes.io/managed-by": "fenceline" } },
      ownerReferences: [
        {
          apiVersion: "test.fenceline.io/v1",
          kind: owner.kind,
          name: owner.name,
          uid: owner.name,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts }] },
  };
}

const STORES: Readonly<Record<string, (t: TestContext) => Promise<Store>>> = {
  "a folder": async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "fenceline-owners-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const store = await DirectoryStore.open({ folder, kinds, onRefused: assert.fail });
    t.after(() => store.close());
    return store;
  },
  "a cluster": async (t) => {
    const server = await FakeApiServer.start(t);
    server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
    return (await openStoreOn(t, server, { kinds })).store;
  },
};

for (const [place, open] of Object.entries(STORES)) {
  test(`issue 14: ${place} leaves an object to the owner who has it, and tells the other of the conflict`, async (t) => {
    const store = await open(t);
    const ours = sidecarOf(VALVE_A, "*/b");
    const theirs = sidecarOf(FENCE_VALVE_A, "*/c");
    assert.equal(await store.apply({ action: "create", owner: VALVE_A, object: ours }), undefined);

    const conflict = { ...PLACE, reason: "Conflict", message: `${CONFLICT}: delete or rename it, or switch the fence off` };
    assert.deepEqual(await store.apply({ action: "create", owner: FENCE_VALVE_A, object: theirs }), conflict);
    assert.deepEqual(await store.apply({ action: "update", owner: FENCE_VALVE_A, object: theirs }), conflict);
    assert.deepEqual(await store.apply({ action: "delete", owner: FENCE_VALVE_A, object: PLACE }), conflict);
    assert.deepEqual([store.ownedBy(VALVE_A), store.ownedBy(FENCE_VALVE_A)], [[ours], []]);

    const changed = sidecarOf(VALVE_A, "*/b", "*/d");
    assert.equal(await store.apply({ action: "update", owner: VALVE_A, object: changed }), undefined);
    assert.deepEqual(store.ownedBy(VALVE_A), [changed]);
    assert.equal(await store.apply({ action: "delete", owner: VALVE_A, object: PLACE }), undefined);
    assert.equal(await store.apply({ action: "create", owner: FENCE_VALVE_A, object: theirs }), undefined);
    assert.deepEqual([store.ownedBy(VALVE_A), store.ownedBy(FENCE_VALVE_A)], [[], [theirs]]);
  });

  test(`issue 14: of two owners that ask ${place} for one object at the same time one has it`, async (t) => {
    const store = await open(t);
    const owners = [VALVE_A, FENCE_VALVE_A];
    const outcomes = await Promise.all(owners.map((owner) => store.apply({ action: "create", owner, object: sidecarOf(owner, "*/b") })));
    assert.deepEqual(outcomes.map((outcome) => outcome?.reason ?? "done").sort(), ["Conflict", "done"]);
    assert.equal(owners.flatMap((owner) => store.ownedBy(owner)).length, 1);
  });
}
