/**
 * The other half of `npm run crds`: the golden CustomResourceDefinitions of a kind of the tests.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definitionFiles } from "../kinds/definition-files.ts";
import { PUMP } from "./pump.ts";

const FOLDER = join(import.meta.dirname, "../../testdata/crds");

mkdirSync(FOLDER, { recursive: true });
for (const [file, text] of definitionFiles([PUMP])) {
  writeFileSync(join(FOLDER, file), text);
  process.stdout.write(`${file}\n`);
}
