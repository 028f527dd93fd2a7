import assert from "node:assert/strict";
import { test } from "node:test";
import { FENCE_API_VERSIONS, groupOf, SERVICE_FENCE } from "@fenceline/api";
import { CALLS_RIGHT } from "./calls-route.ts";

test("T-12 the right to see calls names fences as the table of kinds does", () => {
  assert.deepEqual(CALLS_RIGHT, { verb: "list", group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural });
});
