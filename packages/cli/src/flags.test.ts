import assert from "node:assert/strict";
import { test } from "node:test";
import type { Option } from "commander";
import { withdrawCommand } from "./commands/withdraw/command.ts";
import { addressesIn, parseDurationFlag, parseEndpoint, parseHostName, parseNameServer } from "./flags.ts";
import { collectorCommand } from "./processes/collector/command.ts";
import { globalSidecarCommand } from "./processes/global-sidecar/command.ts";
import { standaloneCommand } from "./processes/standalone/command.ts";
import { globalSidecarOn, runToEnd } from "./testing/fenceline-process.ts";

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
  assert.equal((await runToEnd(["--help", "standalone"])).code, 0);
  const { code, stdout } = await runToEnd(["--help"]);
  assert.deepEqual([code, stdout.startsWith("Usage: fenceline")], [0, true]);
});

test("T-14 a duration of a flag is at most a day: a timer of Node's that is longer than 24.8 days fires at once", () => {
  assert.equal(parseDurationFlag("24h"), 86_400_000);
  assert.throws(() => parseDurationFlag("600h"), /At most 24h/);
  assert.throws(() => parseDurationFlag("999999999h"), /duration/);
});

test("T-14 a duration that would refuse nearly all requests, or leave Envoys no time, is refused; 0s switches off where the help says so", async () => {
  const required = ["--collector", "127.0.0.1:1"];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["global-sidecar", ...required, "--max-turn", "1ms"], /'--max-turn <duration>' argument '1ms'.*At least 10ms, or 0s\./],
    [["global-sidecar", ...required, "--max-turn", "0.4ms"], /At least 10ms, or 0s\./],
    [["withdraw", "--settle", "999ms"], /'--settle <duration>' argument '999ms'.*At least 1s\./],
    [["withdraw", "--settle", "0s"], /At least 1s\./],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runToEnd(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
  }
  const read = (flag: string, text: string) =>
    OPTIONS.find(({ option }) => option.long === flag)?.option.parseArg?.(text, undefined as never);
  assert.deepEqual([read("--max-turn", "10ms"), read("--max-turn", "0s"), read("--max-turn", "0ms")], [10, 0, 0]);
  assert.deepEqual([read("--settle", "1s"), read("--drain-delay", "0s"), read("--drain", "0s")], [1_000, 0, 0]);
});

test("T-50 a value that cannot be meant names its flag, says what the flag takes, and ends with exit code 2", async () => {
  const required = ["--collector", "127.0.0.1:1"];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["global-sidecar", "--collector", "collector"], /'--collector <host:port>' argument 'collector'.*A host and a port/],
    [["global-sidecar", "--collector", "http://collector:18081"], /A host and a port/],
    [["global-sidecar", "--collector", "::1:18081"], /A host and a port/],
    [["global-sidecar", "--collector", "collector:0"], /A host and a port/],
    [["global-sidecar", ...required, "--own-address", "10.1.0"], /'--own-address <ip>' argument '10\.1\.0'.*An IP address/],
    [["global-sidecar", ...required, "--own-name", "http://me/"], /'--own-name <host>'.*A host name/],
    [
      ["global-sidecar", ...required, "--dns-server", "kube-dns"],
      /'--dns-server <ip:port>' argument 'kube-dns'.*A name server is an address/,
    ],
    [["global-sidecar", ...required, "--dns-server", "10.96.0.10:dns"], /A name server is an address/],
    [["global-sidecar", ...required, "--cluster-domain", "a..b"], /'--cluster-domain <domain>' argument 'a\.\.b'.*A host name/],
    [["global-sidecar", ...required, "--trust-domain", "spiffe://mesh"], /'--trust-domain <domain>'.*A trust domain/],
    [["global-sidecar", ...required, "--api-host", "https://fences.example"], /'--api-host <name>'.*no scheme, no port/],
    [["global-sidecar", ...required, "--namespace", "Fence_line"], /'--namespace <namespace>'.*A namespace is/],
    [["collector", "--namespace", "a.b"], /A namespace is/],
    [["withdraw", "--namespace", ""], /A namespace is/],
    [["standalone", "--api-host", "fences.example:80"], /no scheme, no port/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runToEnd(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

test("T-50 addresses, endpoints and names are taken in every form that they have", () => {
  for (const endpoint of ["127.0.0.1:1", "[::1]:18081", "localhost:65535", "fenceline-collector.fenceline.svc.cluster.local:18081"])
    assert.equal(parseEndpoint(endpoint), endpoint);
  for (const server of ["10.96.0.10", "10.96.0.10:5353", "fd00::a", "[fd00::a]", "[fd00::a]:53"])
    assert.equal(parseNameServer(server), server);
  assert.equal(parseHostName("Fences.Example."), "fences.example");
});

test("T-50 an entry of --external-allow that is no host and no CIDR says so, and blames no port", async () => {
  const { code, stderr } = await runToEnd([...globalSidecarOn(), "--external-allow", "10.0.0.0/99"]);
  assert.deepEqual([code, stderr.split(": ")[0]], [2, "EXTERNAL_INVALID"]);
  assert.match(stderr, /^EXTERNAL_INVALID: '10\.0\.0\.0\/99' is neither[^\n]*\n$/);
});

test("T-50 the help shows no default as JSON", async () => {
  for (const command of COMMANDS)
    assert.doesNotMatch((await runToEnd([command.name(), "--help"])).stdout, /\(default: (\[|.*\) \(default)/);
});

test("T-50 help that is asked for beside an unknown command, flag or argument tells that, with exit code 2", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["bogus", "--help"], /^error: unknown command 'bogus'\n/],
    [["bogus", "-h"], /^error: unknown command 'bogus'\n/],
    [["--help", "bogus"], /^error: unknown command 'bogus'\n/],
    [["--bogus", "--help"], /^error: unknown option '--bogus'\n/],
    [["--bogus", "standalone", "--help"], /^error: unknown option '--bogus'\n/],
    [["standalone", "--bogus", "--help"], /^error: unknown option '--bogus'\n/],
    [["standalone", "--help", "--bogus=1"], /^error: unknown option '--bogus=1'\n/],
    [["collector", "here", "--help"], /^error: too many arguments: 'here'\n/],
    [["help", "bogus"], /^error: unknown command 'bogus'\n/],
    [["help", "--bogus"], /^error: unknown option '--bogus'\n/],
    [["help", "standalone", "here"], /^error: too many arguments: 'here'\n/],
    [["help", "standalone", "--bogus"], /^error: unknown option '--bogus'\n/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runToEnd(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message, args.join(" "));
    assert.match(stderr, /--help/);
  }
  for (const args of [["-h"], ["help"], ["help", "standalone"], ["standalone", "-h", "--no-demo"], ["global-sidecar", "--help"]])
    assert.deepEqual((({ code, stderr }) => [code, stderr])(await runToEnd(args)), [0, ""], args.join(" "));
});

test("T-50 what comes from the environment is read as the flag is, and refused by the variable's name", async () => {
  const sidecar = globalSidecarOn();
  const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
    [["collector"], { POD_NAMESPACE: "A b" }, /'A b' from env 'POD_NAMESPACE' is invalid. A namespace is/],
    [["withdraw"], { POD_NAMESPACE: "a.b" }, /'a\.b' from env 'POD_NAMESPACE'/],
    [["withdraw"], { POD_NAMESPACE: "" }, /'' from env 'POD_NAMESPACE'/],
    [sidecar, { POD_NAMESPACE: "a_b" }, /'a_b' from env 'POD_NAMESPACE'/],
    [["collector"], { POD_NAME: " " }, /from env 'POD_NAME'/],
    [sidecar, { POD_IPS: "10.0.0.1,nowhere" }, /^ENVIRONMENT_INVALID: POD_IPS: 'nowhere' is no IP address/],
    [sidecar, { POD_IPS: "10.0.0.0/8" }, /^ENVIRONMENT_INVALID: POD_IPS: '10\.0\.0\.0\/8'/],
    [sidecar, { POD_IPS: "10.0.0.1,,10.0.0.2" }, /^ENVIRONMENT_INVALID: POD_IPS: ''/],
  ];
  for (const [args, variables, message] of cases) {
    const { code, stdout, stderr } = await runToEnd(args, { env: { ...process.env, ...variables } });
    assert.deepEqual([code, stdout], [2, ""], JSON.stringify(variables));
    assert.match(stderr, message);
  }
  assert.deepEqual(addressesIn("POD_IPS", "10.0.0.1, fd00::1"), ["10.0.0.1", "fd00::1"]);
  for (const unset of [undefined, ""]) assert.deepEqual(addressesIn("POD_IPS", unset), []);
});
