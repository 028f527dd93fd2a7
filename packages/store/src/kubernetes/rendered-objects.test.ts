import assert from "node:assert/strict";
import { test } from "node:test";
import { ENVOY_FILTER, MANAGED_BY_LABEL, MANAGER, refText, SERVICE_FENCE, SIDECAR } from "@fenceline/api";
import type { Informer, ObjectEvent } from "@fenceline/kubernetes";
import fc, { type Arbitrary } from "fast-check";
import type { LiveObject } from "./apply/live-object.ts";
import { OWN_NAMES, ownerOf } from "./apply/ownership.ts";
import { RenderedObjects } from "./rendered-objects.ts";
import { RenderedPlaces } from "./rendered-places.ts";

const KINDS = ["EnvoyFilter", "Sidecar"] as const;
const NAMES = ["a", "b", "c"];
const NAMESPACES = ["test1", "test2"];

const live = fc.record({
  kind: fc.constantFrom(...KINDS),
  namespace: fc.constantFrom(...NAMESPACES),
  name: fc.constantFrom(...NAMES),
  ours: fc.boolean(),
  owner: fc.option(fc.record({ kind: fc.constantFrom("ServiceFence", "Deployment"), name: fc.constantFrom(...NAMES) })),
});

type Drawn = typeof live extends Arbitrary<infer T> ? T : never;

function objectOf({ kind, namespace, name, ours, owner }: Drawn): LiveObject {
  const owners = owner === null ? [] : [{ apiVersion: "x/v1", uid: "u", controller: true, ...owner }];
  const labels = ours ? { [MANAGED_BY_LABEL]: MANAGER } : {};
  return {
    kind,
    apiVersion: "x/v1",
    namespace,
    name,
    uid: "u",
    labels,
    owners,
    selector: undefined,
    outbound: undefined,
    widenedAt: undefined,
    renderedFor: undefined,
    spec: {},
  };
}

test("whatever came, changed and went: what is told of owners is what a look at every object would tell", () => {
  const steps = fc.array(fc.record({ object: live, gone: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (all) => {
      const objects = new Map<string, LiveObject>();
      const get = (kind: string) => ({
        get: (key: { namespace: string; name: string }) => ({ value: objects.get(refText({ kind, ...key })) }),
      });
      const informer = (kind: string) => get(kind) as unknown as Informer<LiveObject>;
      const index = new RenderedObjects(new RenderedPlaces([ENVOY_FILTER, SIDECAR], ({ name }) => informer(name)), {
        kinds: OWN_NAMES,
        exists: () => false,
      });
      for (const { object: drawn, gone } of all) {
        const object = objectOf(drawn);
        const { kind, namespace, name } = object;
        const key = refText({ kind, namespace, name });
        const previous = objects.get(key);
        if (gone) objects.delete(key);
        else objects.set(key, object);
        for (const event of eventsOf(previous, gone ? undefined : object)) index.changed(event, false);
      }
      compare(index, [...objects.values()]);
    }),
  );
});

function eventsOf(previous: LiveObject | undefined, object: LiveObject | undefined): ObjectEvent<LiveObject>[] {
  if (object === undefined) return previous === undefined ? [] : [{ type: "deleted", object: previous }];
  return [previous === undefined ? { type: "added", object } : { type: "modified", object, previous }];
}

function compare(index: RenderedObjects, objects: readonly LiveObject[]): void {
  const sorted = (list: readonly LiveObject[]) => list.map(({ kind, namespace, name }) => refText({ kind, namespace, name })).sort();
  for (const namespace of NAMESPACES) {
    for (const name of NAMES) {
      const owner = { kind: "ServiceFence", namespace, name };
      const owned = objects.filter((object) => refText(ownerOf(object) ?? { kind: "", namespace, name }) === refText(owner));
      assert.deepEqual(sorted(index.ownedBy(owner)), sorted(owned));
      assert.equal(
        index.goneOwners(SERVICE_FENCE).some((one) => refText(one) === refText(owner)),
        owned.length > 0,
      );
    }
    for (const kind of KINDS) {
      const others = objects.filter((object) => object.kind === kind && object.namespace === namespace && ownerOf(object) === undefined);
      assert.deepEqual(sorted(index.foreign(kind, namespace)), sorted(others));
    }
  }
}
