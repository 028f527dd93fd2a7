import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_KINDS } from "@fenceline/api";
import { PUMP } from "@fenceline/api/testing";
import { KIND_TABLES, kindRightsTemplate } from "./kind-rights.ts";

test("issue 14: a kind of several versions has the rights of each of its groups once, since RBAC knows no versions", () => {
  const template = kindRightsTemplate({ ...KIND_TABLES, own: [...OWN_KINDS, PUMP] });
  const rules = [...template.matchAll(/apiGroups: \[(.*)\]\n {2}resources: \[(.*)\]\n {2}verbs: \[(.*)\]/g)].map(([, ...rule]) => rule);
  const groups = "test.fenceline.io, old.fenceline.io";
  assert.deepEqual(
    rules.filter(([, resources]) => resources?.includes("pumps")),
    [
      [groups, "pumps", "get, list, watch"],
      [groups, "pumps/status", "get, update, patch"],
      [groups, "pumps/finalizers", "update"],
      // The uninstall Job's.
      [groups, "pumps", "list"],
      [groups, "pumps/status", "patch"],
    ],
  );
});
