import assert from "node:assert/strict";
import { test } from "node:test";
import type { Option } from "commander";
import { collectorCommand } from "./collector/command.ts";
import { parseDurationFlag } from "./flags.ts";
import { globalSidecarCommand } from "./global-sidecar/command.ts";
import { standaloneCommand } from "./standalone/command.ts";
import { runToEnd } from "./testing/fenceline-process.ts";
import { withdrawCommand } from "./withdraw/command.ts";

const COMMANDS = [standaloneCommand(), globalSidecarCommand(), collectorCommand(), withdrawCommand()];
const OPTIONS = COMMANDS.flatMap((command) => command.options.map((option) => ({ command: command.name(), option })));

/** What the help shows as the default of a flag. */
function shownDefault({ defaultValueDescription, defaultValue }: Option): string {
  return defaultValueDescription ?? String(defaultValue);
}

test("T-50 every default is shown as a user would write it, and is what the flag makes of that", () => {
  const withValue = OPTIONS.filter(
    ({ option }) => option.parseArg && option.defaultValue !== undefined && !Array.isArray(option.defaultValue),
  );
  assert.ok(withValue.length > 10);
  for (const { command, option } of withValue) {
    const shown = shownDefault(option);
    assert.equal(option.parseArg?.(shown, undefined as never), option.defaultValue, `${command} ${option.flags} shows ${shown}`);
  }
});

test("T-50 durations are shown with their unit", async () => {
  const { stdout } = await runToEnd(["global-sidecar", "--help"]);
  for (const shown of ["default: 5s", "default: 25s", "default: 250ms"]) assert.ok(stdout.includes(shown), shown);
  assert.match((await runToEnd(["withdraw", "--help"])).stdout, /default: 10s/);
});

test("T-50 an unknown flag, an unknown command, a missing command and a surplus argument end with exit code 2 and a hint", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["standalone", "--no-demmo"], /unknown option '--no-demmo'\n\(Did you mean --no-demo\?\)[\s\S]*--help/],
    [["standalon"], /unknown command 'standalon'\n\(Did you mean standalone\?\)[\s\S]*--help/],
    [[], /Usage: fenceline/],
    [["standalone", "here"], /too many arguments[\s\S]*--help/],
    [["global-sidecar"], /required option '--collector[\s\S]*--help/],
    [["global-sidecar", "--collector", "c:1", "--drain", "5000"], /A duration is a number and a unit[\s\S]*--help/],
    [["standalone", "--dir", ""], /It is empty/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runToEnd(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

test("T-50 --version and --help end with exit code 0", async () => {
  assert.deepEqual(await runToEnd(["--version"]), { code: 0, stdout: "0.1.0\n", stderr: "" });
  const { code, stdout } = await runToEnd(["--help"]);
  assert.deepEqual([code, stdout.startsWith("Usage: fenceline")], [0, true]);
});

test("T-14 a duration of a flag is at most a day: a timer of Node's that is longer than 24.8 days fires at once", () => {
  assert.equal(parseDurationFlag("24h"), 86_400_000);
  assert.throws(() => parseDurationFlag("600h"), /At most 24h/);
  assert.throws(() => parseDurationFlag("999999999h"), /duration/);
});
