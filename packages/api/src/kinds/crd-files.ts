/**
 * `npm run crds`: writes the CustomResourceDefinitions of the chart again. The difference is for a
 * person to review.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import { OWN_KINDS } from "./table.ts";

const FOLDER = join(import.meta.dirname, "../../../../charts/fenceline/crds");
const HEADING = "# Generated from packages/api/src/kinds by `npm run crds`. Do not edit.";
/** `kubectl` and Helm read YAML 1.1, where a plain `Off` is the boolean false. */
const AS_KUBECTL_READS = { compat: "yaml-1.1" } as const;

mkdirSync(FOLDER, { recursive: true });
for (const definition of OWN_KINDS.flatMap((kind) => customResourceDefinitions(kind))) {
  const file = `${definition.metadata.name}.yaml`;
  writeFileSync(
    join(FOLDER, file),
    `${HEADING}\n${stringify(definition, { ...AS_KUBECTL_READS, aliasDuplicateObjects: false, lineWidth: 0 })}`,
  );
  process.stdout.write(`${file}\n`);
}
