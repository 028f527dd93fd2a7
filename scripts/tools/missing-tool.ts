import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Run, runNode } from "../install/fixture.ts";

const INSTALL = fileURLToPath(new URL("./install.mjs", import.meta.url));

/** A tool of the tests that the user names and that does not exist. */
export interface MissingTool {
  readonly tool: string;
  readonly name: string;
  /** The environment that names it. */
  readonly env: Readonly<Record<string, string>>;
  /** The message of its install, and what it adds if this is not a failure. */
  readonly said: string;
  readonly skipped: string;
}

/** Installs one tool, as `npm test` does. */
export function installTool(tool: string, env: Record<string, string> = {}): Promise<Run> {
  return runNode([INSTALL, tool], env);
}

/** The message and result of every install in this case. */
export function testMissingTool({ tool, name, env, said, skipped }: MissingTool): void {
  test(`without ${name} the install says which tests will be skipped, and passes`, async () => {
    assert.deepEqual(await installTool(tool, { ...env, CI: "" }), { code: 0, output: `${said}${skipped}\n` });
  });

  test(`in CI a missing ${name} is a failure`, async () => {
    assert.deepEqual(await installTool(tool, { ...env, CI: "true" }), { code: 1, output: `${said}\n` });
  });
}
