/** `npm run bench [-- proxy|als|standalone]`: measures Fenceline beside its peers on this machine. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { requirePinning } from "./pin.ts";
import { RESULTS } from "./places.ts";
import { stopForGood } from "./process.ts";
import { settings } from "./settings.ts";
import { als } from "./suites/als.ts";
import { proxy } from "./suites/proxy.ts";
import { standalone } from "./suites/standalone.ts";

const SUITES = { proxy, als, standalone };
type SuiteName = keyof typeof SUITES;

// Without its processes a suite fails at its next step, and so cleans up behind itself on the way out.
let interrupted: number | undefined;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    interrupted = code;
    void stopForGood();
  });
}

try {
  for (const name of chosen(process.argv.slice(2))) await run(name);
} catch (error) {
  if (interrupted === undefined) console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupted ?? 1;
} finally {
  await stopForGood();
}

async function run(name: SuiteName): Promise<void> {
  requirePinning();
  const { text, data } = await SUITES[name](settings());
  console.log(`\n${name}\n${text}\n`);
  await mkdir(RESULTS, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, node: process.version, settings: settings() };
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify({ at: new Date().toISOString(), machine, ...data }, null, 2)}\n`);
}

function chosen(names: string[]): SuiteName[] {
  const known = Object.keys(SUITES) as SuiteName[];
  const unknown = names.find((name) => !known.includes(name as SuiteName));
  if (unknown !== undefined) throw new Error(`no suite '${unknown}'; there are ${known.join(", ")}`);
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}
