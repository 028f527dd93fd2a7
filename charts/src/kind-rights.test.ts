import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { groupOf, type Kind, MESH_KINDS, meshKindsFor, OWN_KINDS, parseConfig, RENDERED_KINDS } from "@fenceline/api";
import { VALVE, WELL } from "@fenceline/api/testing";
import { parse } from "yaml";
import { CHART, goldenCases } from "./chart.ts";
import { KIND_RIGHTS_FILE, KIND_TABLES, kindRightsTemplate } from "./kind-rights.ts";
import { objectsIn } from "./testing/chart-objects.ts";
import type { ConfigMap, Role } from "./testing/object-kinds.ts";

type Rule = Role["rules"][number];

/** Every right that rules give, one by one: `group/resource verb`. */
function rightsIn(rules: readonly Rule[]): string[] {
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`))),
  );
  return [...new Set(rights)].sort();
}

function rights(kinds: readonly Kind[], suffix: string, ...verbs: readonly string[]): string[] {
  return kinds.flatMap(({ plural, apiVersions }) =>
    // Versions of one group are the same resource.
    [...new Set(apiVersions.map(groupOf))].flatMap((group) => verbs.map((verb) => `${group}/${plural}${suffix} ${verb}`)),
  );
}

const READ = ["get", "list", "watch"];

/** What the collector may do with objects of kinds, and nothing more. */
const ofKinds = (mesh: readonly Kind[]) => [
  ...rights(mesh, "", ...READ),
  ...rights(OWN_KINDS, "", ...READ),
  ...rights(OWN_KINDS, "/status", "get", "update", "patch"),
  ...rights(OWN_KINDS, "/finalizers", "update"),
  ...rights(RENDERED_KINDS, "", ...READ, "create", "update", "patch", "delete"),
];

/** What the uninstall Job may do with objects of kinds, and nothing more. */
function withdrawalOf(rendered: readonly Kind[], own: readonly Kind[]): string[] {
  return [...rights(rendered, "", "get", "list", "patch", "delete"), ...rights(own, "", "list"), ...rights(own, "/status", "patch")].sort();
}
const BESIDE_THEM = [
  "microservice.slime.io/servicefences create",
  "microservice.slime.io/servicefences delete",
  "microservice.netease.com/servicefences create",
  "microservice.netease.com/servicefences delete",
  "rbac.authorization.k8s.io/clusterroles get",
  "rbac.authorization.k8s.io/clusterroles list",
  "rbac.authorization.k8s.io/clusterroles watch",
  "authentication.k8s.io/tokenreviews create",
  "authorization.k8s.io/subjectaccessreviews create",
];

test("issue 14: the template of rights is what the table of kinds says: run `npm run chart` after a change", () => {
  assert.equal(readFileSync(join(CHART, KIND_RIGHTS_FILE), "utf8"), kindRightsTemplate(KIND_TABLES));
});

for (const { golden } of goldenCases()) {
  const objects = objectsIn(readFileSync(golden, "utf8"));
  const hasJob = objects.some(({ kind, metadata }) => kind === "Job" && metadata.name === "fenceline-withdraw");
  const roles = objects.filter(({ kind }) => kind === "ClusterRole") as Role[];
  const rulesOf = (name: string) => roles.filter(({ metadata }) => metadata.name === name).flatMap(({ rules }) => rules);

  test(`issue 14: ${basename(golden)}: the collector may do what the table of kinds needs, and nothing that nobody listed`, () => {
    const config = (objects as ConfigMap[]).find(({ kind, data }) => kind === "ConfigMap" && data["config.yaml"] !== undefined);
    const mesh = meshKindsFor(parseConfig(config?.data["config.yaml"] ?? "", "config.yaml"));
    assert.deepEqual(rightsIn(rulesOf("fenceline-collector")), [...new Set([...ofKinds(mesh), ...BESIDE_THEM])].sort());
  });

  test(`issue 14: ${basename(golden)}: the uninstall Job may read, change and delete every rendered kind, say of ours that it is withdrawn, and nothing else; without it nobody may`, () => {
    const wanted = hasJob ? withdrawalOf(RENDERED_KINDS, OWN_KINDS) : [];
    assert.deepEqual(rightsIn(rulesOf("fenceline-withdraw")), wanted);
  });
}

/** The rules of one part of the template, as Helm would put them into a role. */
function rulesIn(template: string, name: string): Rule[] {
  const [, body = ""] = new RegExp(`define "${name}" -}}\n([^]*?){{- end`).exec(template) ?? [];
  return parse(body) as Rule[];
}

test("issue 14: one more line in the table is enough for a kind's rights, for the collector and for the uninstall Job", () => {
  const made: Kind = { name: "Pipe", plural: "pipes", apiVersions: ["v1"], isNamespaced: true };
  const template = kindRightsTemplate({ mesh: [...MESH_KINDS, WELL], own: [...OWN_KINDS, VALVE], rendered: [...RENDERED_KINDS, made] });
  const wanted = [
    ...ofKinds(MESH_KINDS),
    ...rights([WELL, VALVE], "", ...READ),
    ...rights([VALVE], "/status", "get", "update", "patch"),
    ...rights([VALVE], "/finalizers", "update"),
    ...rights([made], "", ...READ, "create", "update", "patch", "delete"),
  ];
  assert.deepEqual(rightsIn(rulesIn(template, "fenceline.collectorKindRules")), [...new Set(wanted)].sort());
  const withdrawn = withdrawalOf([...RENDERED_KINDS, made], [...OWN_KINDS, VALVE]);
  assert.deepEqual(rightsIn(rulesIn(template, "fenceline.withdrawKindRules")), withdrawn);
});
