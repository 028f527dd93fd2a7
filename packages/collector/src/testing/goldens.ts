/**
 * `npm run goldens`: makes the outputs of all golden cases again. The difference is for a person to
 * review.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GOLDENS } from "./golden-case.ts";

for (const { folder, outputOf } of GOLDENS)
  for (const input of globSync("*.in.yaml", { cwd: folder }).sort()) {
    const output = input.replace(".in.yaml", ".out.yaml");
    writeFileSync(join(folder, output), outputOf(readFileSync(join(folder, input), "utf8"), input));
    process.stdout.write(`${output}\n`);
  }
