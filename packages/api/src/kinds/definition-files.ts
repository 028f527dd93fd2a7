import { stringify } from "yaml";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import type { OwnKind } from "./kind.ts";

const HEADING = "# Generated from packages/api/src/kinds by `npm run crds`. Do not edit.";
/** `kubectl` and Helm read YAML 1.1, where a plain `Off` is the boolean false. */
const AS_KUBECTL_READS = { compat: "yaml-1.1" } as const;

/** The CustomResourceDefinitions of kinds as files, by their names. */
export function definitionFiles(kinds: readonly OwnKind[]): ReadonlyMap<string, string> {
  const definitions = kinds.flatMap((kind) => customResourceDefinitions(kind));
  return new Map(
    definitions.map((definition) => [
      `${definition.metadata.name}.yaml`,
      `${HEADING}\n${stringify(definition, { ...AS_KUBECTL_READS, aliasDuplicateObjects: false, lineWidth: 0 })}`,
    ]),
  );
}
