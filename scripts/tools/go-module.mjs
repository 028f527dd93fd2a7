import { run } from "./tool.mjs";

const TIMEOUT_MS = 15 * 60_000;

/**
 * Builds a program from a module on this machine, whose go.mod pins every dependency.
 *
 * @param {string} module its folder
 * @param {string} program package of the program
 * @param {string} output
 */
export function buildGo(module, program, output) {
  const { GOOS, GOARCH, ...env } = process.env;
  const args = ["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", output, program];
  run("go", args, { cwd: module, timeout: TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOWORK: "off" } });
}
