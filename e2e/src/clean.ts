/**
 * `npm run e2e:clean`: removes what killed runs left behind. It only touches what such a run
 * recorded as its own.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "./exit.ts";
import { leftBehind, type Made, removeLedger } from "./lab/ledger.ts";
import { removeLink } from "./lab/network/bridge.ts";
import { removeNamespace } from "./lab/network/namespace.ts";
import { killGroup } from "./lab/process.ts";
import { RUNS } from "./places.ts";
import { requireLinuxAndRoot } from "./platform.ts";

await runProgram("e2e:clean", async () => {
  requireLinuxAndRoot();
  const runs = existsSync(RUNS) ? readdirSync(RUNS) : [];
  for (const run of runs) await clean(join(RUNS, run));
});

async function clean(run: string): Promise<void> {
  const left = leftBehind(run);
  if (left === undefined) return;
  if (left.isRunning) {
    console.log(`${run}: still running, left alone`);
    return;
  }
  for (const made of left.made) await undo(made);
  removeLedger(run);
  console.log(`${run}: undone`);
}

async function undo({ kind, name }: Made): Promise<void> {
  if (kind === "process") killGroup(Number(name));
  else if (kind === "link") await removeLink(name);
  else if (kind === "namespace") await removeNamespace(name);
  else rmSync(name, { recursive: true, force: true });
}
