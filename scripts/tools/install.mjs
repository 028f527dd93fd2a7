/**
 * Installs the programs of others that tests, benchmarks and the lab run. Silent about those that
 * are there.
 *
 * Plain JavaScript without dependencies, like `../install.mjs`: it runs on whatever Node the
 * machine has (20 or later).
 *
 * Usage: node scripts/tools/install.mjs [NAME…] (all of them without a name)
 */
import { ensureTool } from "./tool.mjs";
import { TOOLS } from "./tools.mjs";

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(TOOLS, name));
if (unknown.length > 0) {
  console.error(`fenceline: no tool ${unknown.join(", ")}: there are ${Object.keys(TOOLS).join(", ")}`);
  process.exitCode = 2;
} else {
  for (const [name, tool] of Object.entries(TOOLS)) if (names.length === 0 || names.includes(name)) ensureTool(tool);
}
