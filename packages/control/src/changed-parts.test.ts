import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ConfigPatch,
  type EnvoyFilter,
  type EnvoyValue,
  type ObjectRef,
  RENDERED_KINDS,
  type Sidecar,
  withHosts,
} from "@fenceline/api";
import { changedParts } from "./changed-parts.ts";
import { plan } from "./plan.ts";

const OWNER: ObjectRef = { kind: "Widget", namespace: "shop", name: "a" };
const metadata = { namespace: "shop", name: "a", labels: {} };
const workloadSelector = { labels: { app: "a" } };

function sidecar(shown: readonly string[], parked: readonly string[] = []): Sidecar {
  const empty = { apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar", metadata, spec: { workloadSelector, egress: [] } } as const;
  return withHosts(empty, shown, parked);
}

function filter(...configPatches: readonly ConfigPatch[]): EnvoyFilter {
  return { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter", metadata, spec: { workloadSelector, configPatches } };
}

function limitOf(port: number, value: EnvoyValue): ConfigPatch {
  const match = { context: "SIDECAR_INBOUND", routeConfiguration: { name: `inbound|${port}||` } } as const;
  return { applyTo: "ROUTE_CONFIGURATION", match, patch: { operation: "MERGE", value } };
}

/** What the log line of the one write says that makes `before` become `after`. */
function told<O extends Sidecar | EnvoyFilter>(before: O | undefined, after: O | undefined) {
  const changes = plan(OWNER, before === undefined ? [] : [before], after === undefined ? [] : [after]);
  const [change] = changes;
  assert.ok(change !== undefined && changes.length === 1);
  return changedParts(change);
}

test("issue 14: what is written of a Sidecar says which hosts came and went, and not the whole list", () => {
  const [b, c] = ["shop/b", "shop/c"];
  assert.deepEqual(told(undefined, sidecar([b], [c])), { added: [b], parked: [c] });
  assert.deepEqual(told(sidecar([b], [c]), sidecar([b, c])), { added: [c], unparked: [c] });
  assert.deepEqual(told(sidecar([b, c]), sidecar([b])), { removed: [c] });
  assert.deepEqual(told(sidecar([b], [c]), undefined), { removed: [b], unparked: [c] });
});

test("issue 14: of a thousand hosts twenty are named and the others counted", () => {
  const hosts = Array.from({ length: 1_000 }, (_, index) => `shop/h${index}`);
  assert.deepEqual(told(sidecar(hosts), undefined), { removed: hosts.slice(0, 20), removedMore: 980 });
});

test("issue 14: what is written of an EnvoyFilter says which patches came, went and changed", () => {
  const [ten, twenty] = [limitOf(80, { quota: 10 }), limitOf(80, { quota: 20 })];
  const [at80, at81] = ["ROUTE_CONFIGURATION SIDECAR_INBOUND inbound|80||", "ROUTE_CONFIGURATION SIDECAR_INBOUND inbound|81||"];
  assert.deepEqual(told(undefined, filter(ten)), { added: [at80] });
  assert.deepEqual(told(filter(ten), filter(twenty)), { changed: [at80] });
  assert.deepEqual(told(filter(ten), filter(ten, limitOf(81, {}))), { added: [at81] });
  assert.deepEqual(told(filter(ten), undefined), { removed: [at80] });
  const added: ConfigPatch = { applyTo: "CLUSTER", match: { context: "ANY" }, patch: { operation: "ADD", value: { name: "out" } } };
  assert.deepEqual(told(filter(ten), filter(ten, added)), { added: ["CLUSTER ANY ADD out"] });
});

test("issue 14: every kind that is rendered says what its parts are", () => {
  for (const { name, parts = [] } of RENDERED_KINDS) assert.notEqual(parts.length, 0, name);
});
