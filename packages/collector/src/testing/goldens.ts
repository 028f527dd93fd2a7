/**
 * `npm run goldens`: renders every `testdata/*.in.yaml` again. The difference is for a person to
 * review.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { renderGoldenCase } from "./golden-case.ts";

const folder = join(import.meta.dirname, "../../testdata");

for (const input of globSync("*.in.yaml", { cwd: folder }).sort()) {
  const output = input.replace(".in.yaml", ".out.yaml");
  writeFileSync(join(folder, output), renderGoldenCase(readFileSync(join(folder, input), "utf8"), basename(input)));
  process.stdout.write(`${output}\n`);
}
