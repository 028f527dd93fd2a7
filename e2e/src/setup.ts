/**
 * `npm run e2e:setup [-- --envoy NAME] [-- --istio NAME]`: installs every missing part of the mesh
 * lab.
 */
import { readArguments } from "./arguments.ts";
import { runProgram } from "./exit.ts";
import { requireLinuxAndRoot } from "./platform.ts";
import { setUp } from "./setup/set-up.ts";

await runProgram("e2e:setup", async () => {
  requireLinuxAndRoot();
  const { releases } = readArguments(process.argv.slice(2), []);
  await setUp(releases);
});
