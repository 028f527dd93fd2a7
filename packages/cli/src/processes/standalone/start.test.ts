import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runToEnd, startFenceline } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const PORTS = ["--proxy-port", "0", "--als-port", "0", "--api-port", "0"];
const hasIpv6 = networkInterfaces().lo?.some(({ family }) => family === "IPv6") === true;

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-start-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const host of ["127.0.0.2", "0.0.0.0", "localhost", ...(hasIpv6 ? ["::1", "::"] : [])]) {
  test(`T-50 the demo works with --host ${host}`, async (t) => {
    const undo = undoAfter(t);
    const folder = mkdtempSync(join(tmpdir(), "fenceline-start-"));
    undo(() => rmSync(folder, { recursive: true, force: true }));
    const fenceline = await startFenceline(folder, "--host", host);
    undo(() => {
      fenceline.kill("SIGKILL");
      return fenceline.ended;
    });
    await fenceline.line(({ msg, hop, status }) => msg === "demo call" && hop === "fallback" && status === 200);
    await fenceline.line(({ msg, hop, status }) => msg === "demo call" && hop === "direct" && status === 200);
    fenceline.kill("SIGTERM");
    assert.equal((await fenceline.ended).code, 0);
  });
}

test("T-50 a folder that cannot be used is said in one line, with exit code 2 and nothing left running", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
  symlinkSync("circle", join(folder, "circle"));
  const cases: Readonly<Record<string, RegExp>> = {
    [join(folder, "file")]: /no folder/,
    [join(folder, "file/below")]: /no folder/,
    [join(folder, "dangling")]: /no folder/,
    [join(folder, "circle")]: /no folder|circle/,
    [join(folder, "n".repeat(300))]: /too long/,
    ...(existsSync("/dev/null") && { "/dev/null": /it is there and is no folder/, "/dev/null/x": /something above it is no folder/ }),
    ...(existsSync("/proc/self") && { "/proc/fenceline": /lets nobody make/, "/proc": /lets nobody make/ }),
  };
  for (const demo of [[], ["--no-demo"]]) {
    for (const [dir, reason] of Object.entries(cases)) {
      const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, ...PORTS, ...demo]);
      assert.deepEqual([code, stdout], [2, ""], `${dir}: ${stderr}`);
      assert.match(stderr, /^DIRECTORY_UNUSABLE: .*--dir\)\n$/);
      assert.match(stderr, reason);
    }
  }
});

test("T-50 a folder that may only be read is said in one line", async (t) => {
  const folder = temporaryFolder(t);
  const dir = join(folder, "read-only");
  mkdirSync(dir);
  chmodSync(folder, 0o755);
  chmodSync(dir, 0o555);
  // Root may write anywhere, so it becomes somebody else.
  const isRoot = process.getuid?.() === 0;
  const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, ...PORTS], isRoot ? { uid: 65_534, gid: 65_534 } : {});
  assert.deepEqual([code, stdout], [2, ""], stderr);
  assert.match(stderr, /^DIRECTORY_UNUSABLE: .*read-only: cannot keep state here: this user may not write there \(.*--dir\)\n$/);
});

test("T-50 state or rendered objects of another user are told at the start, not fence by fence", async (t) => {
  for (const below of ["state", "rendered"]) {
    const dir = temporaryFolder(t);
    chmodSync(dir, 0o777);
    mkdirSync(join(dir, below));
    chmodSync(join(dir, below), 0o555);
    const isRoot = process.getuid?.() === 0;
    const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, ...PORTS], isRoot ? { uid: 65_534, gid: 65_534 } : {});
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, new RegExp(`^DIRECTORY_UNUSABLE: .*/${below}: cannot keep state here: this user may not write there`));
  }
});

test("T-50 what stands in the place of a file or folder of ours is named, whichever step meets it", async (t) => {
  const cases: readonly (readonly [make: (dir: string) => void, stderr: RegExp])[] = [
    [
      (dir) => mkdirSync(join(dir, "state/api-token"), { recursive: true }),
      /\/state\/api-token: cannot keep state here: a folder is there/,
    ],
    [(dir) => symlinkSync("/proc/nothing", join(dir, "state")), /\/state: /],
    [(dir) => symlinkSync("/proc/nothing", join(dir, "rendered")), /\/rendered: /],
  ];
  for (const [make, expected] of cases) {
    const dir = temporaryFolder(t);
    make(dir);
    const { code, stdout, stderr } = await runToEnd(["standalone", "--dir", dir, "--no-demo", ...PORTS]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /^DIRECTORY_UNUSABLE: [^\n]*\n$/);
    assert.match(stderr, expected);
  }
});

test("T-50 a start that is refused leaves no demo.yaml in a folder of somebody's own files", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "compose.yaml"), "services: {}\n");
  const { code, stderr } = await runToEnd(["standalone", "--dir", folder, ...PORTS]);
  assert.equal(code, 2);
  assert.match(stderr, /MANIFEST_NOT_AN_OBJECT/);
  assert.deepEqual(readdirSync(folder), ["compose.yaml"]);
});

test("T-52 a fault of a manifest at the start moves no terminal", async (t) => {
  const folder = temporaryFolder(t);
  const name = '"a\\e]0;title\\a"';
  writeFileSync(join(folder, "fence.yaml"), `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: ${name}}\n`);
  const { code, stderr } = await runToEnd(["standalone", "--dir", folder, "--no-demo", ...PORTS]);
  assert.equal(code, 2);
  assert.match(stderr, /^MANIFESTS_INVALID: .*a\\u001b\]0;title\\u0007/);
  assert.doesNotMatch(stderr.trimEnd(), /(?!\n)\p{Cc}/u);
});

test("T-50 a demo.yaml of somebody else is not overwritten", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "demo.yaml");
  writeFileSync(path, "# mine\n");
  const { code, stderr } = await runToEnd(["standalone", "--dir", folder, ...PORTS]);
  assert.equal(code, 2);
  assert.match(stderr, /^DEMO_FILE_NOT_OURS: .*--no-demo\)\n$/);
  assert.equal(readFileSync(path, "utf8"), "# mine\n");
});
