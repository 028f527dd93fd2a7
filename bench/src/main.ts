/**
 * `npm run bench`, `npm run bench:proxy`, `npm run bench:control`, `npm run soak`: measures
 * Fenceline, and its peers beside it, on this machine. Options: `options.ts`.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { choose, type Options, parseOptions } from "./options.ts";
import { requirePinning } from "./pin.ts";
import { RESULTS, TOOLS } from "./places.ts";
import { stopForGood } from "./process.ts";
import { settings } from "./settings.ts";
import type { Suite } from "./suite.ts";
import { als } from "./suites/als.ts";
import { alsFlood } from "./suites/als-flood.ts";
import { control } from "./suites/control.ts";
import { proxy } from "./suites/proxy.ts";
import { soak } from "./suites/soak.ts";
import { standalone } from "./suites/standalone.ts";

const SUITES: Readonly<Record<string, Suite>> = { proxy, als, "als-flood": alsFlood, standalone, soak, control };
/** The soak takes an hour and compares nothing; `control` needs the lab's programs. */
const BY_DEFAULT = ["proxy", "als", "standalone"];

// As in the image: no Node program here, ours or others', has to compile its sources again.
process.env.NODE_COMPILE_CACHE ??= join(TOOLS, "bench", "compile-cache");

// Without its processes a suite fails at its next step, and then cleans up.
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
  const options = parseOptions(process.argv.slice(2));
  const names = options.suites.length === 0 ? BY_DEFAULT : options.suites;
  for (const [name, suite] of choose(Object.entries(SUITES), ([name]) => name, names)) await run(name, suite, options);
} catch (error) {
  if (interrupted === undefined) console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupted ?? 1;
} finally {
  await stopForGood();
}

async function run(name: string, suite: Suite, options: Options): Promise<void> {
  requirePinning();
  const chosen = settings(suite.defaults);
  const { text, data, failed = false } = await suite.run(chosen, options);
  console.log(`\n${name}\n${text}\n`);
  await mkdir(RESULTS, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, node: process.version, settings: chosen };
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify({ at: new Date().toISOString(), machine, ...data }, null, 2)}\n`);
  if (failed) process.exitCode = 1;
}
