/**
 * `npm run crds`: writes the CustomResourceDefinitions of the chart again. The difference is for a
 * person to review.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definitionFiles } from "./definition-files.ts";
import { OWN_KINDS } from "./table.ts";

const FOLDER = join(import.meta.dirname, "../../../../charts/fenceline/crds");

mkdirSync(FOLDER, { recursive: true });
for (const [file, text] of definitionFiles(OWN_KINDS)) {
  writeFileSync(join(FOLDER, file), text);
  process.stdout.write(`${file}\n`);
}
