import assert from "node:assert/strict";
import { test } from "node:test";
import { type ObjectChange, type ReadKind, SERVICE_FENCE, SMART_LIMITER } from "@fenceline/api";
import { JudgedObjects } from "./judged-objects.ts";

type Named = { readonly metadata: { readonly namespace: string; readonly name: string } };

function named(namespace: string, name: string): Named {
  return { metadata: { namespace, name } };
}

/** What the store has of a kind, or tells of it: none of any other. */
function only<T>(kind: { readonly name: string }, all: readonly T[]) {
  return { of: <O>({ name }: ReadKind<O>) => (name === kind.name ? all : []) as never };
}

function change(before: Named | undefined, after: Named | undefined) {
  return only<ObjectChange<Named>>(SMART_LIMITER, [{ before, after }]);
}

function judgedIn(judged: JudgedObjects, namespace?: string): readonly string[] {
  return [...judged.in(namespace)].map((of) => `${of.kind} ${of.namespace}/${of.name}`).sort();
}

test("issue 14: the objects whose status tells of proxies are found by namespace, those that came since the start included", () => {
  const judged = new JudgedObjects(only(SERVICE_FENCE, [named("shop", "a"), named("bank", "a")]));
  judged.apply(change(undefined, named("shop", "a")));
  assert.deepEqual(judgedIn(judged, "shop"), ["ServiceFence shop/a", "SmartLimiter shop/a"]);
  assert.deepEqual(judgedIn(judged, "bank"), ["ServiceFence bank/a"]);
  assert.deepEqual(judgedIn(judged, "club"), []);
  assert.deepEqual(judgedIn(judged), ["ServiceFence bank/a", "ServiceFence shop/a", "SmartLimiter shop/a"]);
});

test("issue 14: an object that is gone is judged no more, and its namesake of another kind still is", () => {
  const judged = new JudgedObjects(only(SERVICE_FENCE, [named("shop", "a")]));
  judged.apply(change(undefined, named("shop", "a")));
  judged.apply(change(named("shop", "a"), named("shop", "a")));
  judged.apply(change(named("shop", "a"), undefined));
  assert.deepEqual(judgedIn(judged, "shop"), ["ServiceFence shop/a"]);
  assert.deepEqual(judgedIn(judged), ["ServiceFence shop/a"]);
});
