import assert from "node:assert/strict";
import { test } from "node:test";
import { runNode } from "./fixture.ts";

/** A tool of the tests that the user names and that is not there. */
export interface MissingTool {
  readonly script: string;
  readonly name: string;
  /** The environment that names it. */
  readonly env: Readonly<Record<string, string>>;
  /** What its script says of it, and what it adds where that is no failure. */
  readonly said: string;
  readonly skipped: string;
}

/** What every script says and does then. */
export function testMissingTool({ script, name, env, said, skipped }: MissingTool): void {
  test(`without ${name} the script says which tests will be skipped, and passes`, async () => {
    assert.deepEqual(await runNode([script], { ...env, CI: "" }), { code: 0, output: `${said}${skipped}\n` });
  });

  test(`in CI a missing ${name} is a failure`, async () => {
    assert.deepEqual(await runNode([script], { ...env, CI: "true" }), { code: 1, output: `${said}\n` });
  });
}
