import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Run, runNode } from "../install/fixture.ts";

const INSTALL = fileURLToPath(new URL("./install.mjs", import.meta.url));

/** A tool of the tests that the user names and that is not there. */
export interface MissingTool {
  readonly tool: string;
  readonly name: string;
  /** The environment that names it. */
  readonly env: Readonly<Record<string, string>>;
  /** What its install says of it, and what it adds where that is no failure. */
  readonly said: string;
  readonly skipped: string;
}

/** Installs one tool, as `npm test` does. */
export function installTool(tool: string, env: Record<string, string> = {}): Promise<Run> {
  return runNode([INSTALL, tool], env);
}

/** What every install says and does then. */
export function testMissingTool({ tool, name, env, said, skipped }: MissingTool): void {
  test(`without ${name} the install says which tests will be skipped, and passes`, async () => {
    assert.deepEqual(await installTool(tool, { ...env, CI: "" }), { code: 0, output: `${said}${skipped}\n` });
  });

  test(`in CI a missing ${name} is a failure`, async () => {
    assert.deepEqual(await installTool(tool, { ...env, CI: "true" }), { code: 1, output: `${said}\n` });
  });
}
