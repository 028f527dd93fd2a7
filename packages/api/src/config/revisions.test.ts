import assert from "node:assert/strict";
import { test } from "node:test";
import { isManaged, ownRevision, Revisions } from "./revisions.ts";

const CANARY = { "istio.io/rev": "canary" };

for (const [revisions, labels, expected] of [
  [{}, CANARY, true],
  [{ strict: true }, {}, true],
  [{ names: ["stable", "canary"] }, CANARY, true],
  [{ names: ["stable"] }, CANARY, false],
  [{ names: ["stable"] }, {}, true],
  [{ names: ["stable"], strict: true, own: "stable" }, {}, false],
  [{ names: ["canary"], strict: true, own: "canary" }, CANARY, true],
] as const)
  test(`row 37: with the revisions ${JSON.stringify(revisions)} ${JSON.stringify(labels)} is ${expected ? "managed" : "left alone"}`, () =>
    assert.equal(isManaged(Revisions.parse(revisions), labels), expected));

test("row 38: the revision of automatic fences is one that is managed", () => {
  const fault = (revisions: object) => Revisions.safeParse(revisions).error?.issues.map(({ path }) => path.join("."));
  assert.deepEqual(fault({ names: ["stable"], own: "canary" }), ["own"]);
  assert.equal(fault({ own: "canary" }), undefined);
  const own = (revisions: object) => ownRevision(Revisions.parse(revisions));
  assert.equal(own({ names: ["stable"] }), undefined);
  assert.equal(own({ names: ["stable", "canary"], strict: true }), "stable");
  assert.equal(own({ names: ["stable", "canary"], strict: true, own: "canary" }), "canary");
});
