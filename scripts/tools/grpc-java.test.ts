import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runNode } from "../install/fixture.ts";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const SKIPPED = "; tests with clients and servers of grpc-java will be skipped\n";

testMissingTool({
  tool: "grpc-java",
  name: "grpc-java",
  env: { FENCELINE_GRPC_JAVA: "/nowhere/grpc-java" },
  said: "fenceline: no grpc-java: FENCELINE_GRPC_JAVA=/nowhere/grpc-java does not exist",
  skipped: "; tests with clients and servers of grpc-java will be skipped",
});

const without = [
  { name: "a JDK", missing: "a JDK of version 17 or later" },
  { name: "a JDK that is new enough", javac: "11.0.2", missing: "a JDK of version 17 or later" },
  { name: "Maven", javac: "21.0.1", missing: "Maven" },
];

for (const { name, javac, missing } of without) {
  test(`without ${name} the script says which tests will be skipped, and passes, in CI too`, async (t) => {
    const { script, PATH } = await freshClone(t, javac);
    const expected = { code: 0, output: `fenceline: no grpc-java: ${missing} is not on this machine${SKIPPED}` };
    assert.deepEqual(await runNode([script, "grpc-java"], { PATH, CI: "true", FENCELINE_GRPC_JAVA: "" }), expected);
  });
}

test("with a grpc-java the script is silent", { skip: toolPath("grpc-java") === undefined && "no grpc-java on this machine" }, async () => {
  assert.deepEqual(await installTool("grpc-java"), { code: 0, output: "" });
});

/**
 * The script where nothing is installed yet, and a PATH that holds nothing, or a javac that says
 * this version.
 */
async function freshClone(t: TestContext, javac: string | undefined): Promise<{ script: string; PATH: string }> {
  const root = await mkdtemp(join(tmpdir(), "fenceline-grpc-java-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const [script, PATH] = [join(root, "scripts", "tools", "install.mjs"), join(root, "bin")];
  await cp(fileURLToPath(new URL(".", import.meta.url)), join(root, "scripts", "tools"), { recursive: true });
  await mkdir(PATH);
  if (javac !== undefined) await writeFile(join(PATH, "javac"), `#!/bin/sh\necho "javac ${javac}"\n`, { mode: 0o755 });
  return { script, PATH };
}
