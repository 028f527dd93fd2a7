import { groupOf, type Kind, MESH_KINDS, OWN_KINDS, RENDERED_KINDS } from "@fenceline/api";

/** Tables of the kinds for which the chart grants rights. */
export interface KindTables {
  readonly mesh: readonly Kind[];
  readonly own: readonly Kind[];
  readonly rendered: readonly Kind[];
}

/** The tables of Fenceline. */
export const KIND_TABLES: KindTables = { mesh: MESH_KINDS, own: OWN_KINDS, rendered: RENDERED_KINDS };

/** The file of {@link kindRightsTemplate} for Helm. */
export const KIND_RIGHTS_FILE = "templates/_kinds.tpl";

/**
 * A template with the RBAC rules from the tables of kinds, so that a new kind has its rights by
 * itself. Rights that only one kind has are in the roles themselves.
 */
export function kindRightsTemplate({ mesh, own, rendered }: KindTables): string {
  const collector = [
    "# What exists: addresses of nodes and ranges of Services, too, which the global sidecar forwards nothing to.",
    ...rulesFor(mesh, ["get", "list", "watch"]),
    "# Kinds of ours: their authors' to change. Ours is the status.",
    ...rulesFor(own, ["get", "list", "watch"]),
    ...rulesFor(own, ["get", "update", "patch"], "/status"),
    "# Some clusters (OpenShift) ask for this right of whoever sets blockOwnerDeletion in an ownerReference. It allows nothing else.",
    ...rulesFor(own, ["update"], "/finalizers"),
    "# What is rendered, in the namespaces of its owners.",
    ...rulesFor(rendered, ["get", "list", "watch", "create", "update", "patch", "delete"]),
  ];
  const withdraw = [
    ...rulesFor(rendered, ["get", "list", "patch", "delete"]),
    "# What stays of ours says in its status that nothing of it is in force any more.",
    ...rulesFor(own, ["list"]),
    ...rulesFor(own, ["patch"], "/status"),
  ];
  return [
    "{{- /* Generated from the table of kinds (packages/api/src/kinds) by `npm run chart`. Do not edit. */}}",
    ...define("fenceline.collectorKindRules", collector),
    ...define("fenceline.withdrawKindRules", withdraw),
    "",
  ].join("\n");
}

function define(name: string, lines: readonly string[]): string[] {
  return [`{{- define "${name}" -}}`, ...lines, "{{- end }}"];
}

/** Rules for kinds: one for all kinds of the same groups. */
function rulesFor(kinds: readonly Kind[], verbs: readonly string[], subresource = ""): string[] {
  const byGroups = Map.groupBy(kinds, ({ apiVersions }) => [...new Set(apiVersions.map(groupOf))].map(quoted).join(", "));
  return [...byGroups].flatMap(([groups, some]) => [
    `- apiGroups: [${groups}]`,
    `  resources: [${some.map(({ plural }) => `${plural}${subresource}`).join(", ")}]`,
    `  verbs: [${verbs.join(", ")}]`,
  ]);
}

/** The core group's name is empty. */
function quoted(group: string): string {
  return group === "" ? '""' : group;
}
