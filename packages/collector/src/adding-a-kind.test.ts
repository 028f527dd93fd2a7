/** Does what docs/adding-a-kind.md says: its blocks are written to files and run. */
import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { customResourceDefinitions, OWN_KINDS, type OwnKind, parseManifests } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { KindMaker } from "./kind-context.ts";
import { DRIVERS as PRESENT } from "./kinds.ts";
import { renderGoldenCase } from "./testing/golden-case.ts";
import { startCollector } from "./testing/running-collector.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const GUIDE = readFileSync(join(PROJECT, "docs/adding-a-kind.md"), "utf8");
const MANIFEST = `apiVersion: test.fenceline.io/v1
kind: Valve
metadata: { name: a, namespace: test1 }
spec: { app: web, hosts: [b.test1.svc.cluster.local] }
`;

function block(name: string): string {
  const [, text] = new RegExp(`^\`\`\`ts ${name}\n([^]*?)^\`\`\``, "m").exec(GUIDE) ?? [];
  return text ?? assert.fail(`the guide has no block ${name}`);
}

/** A place for the guide's modules within the project, where its packages are found. */
function placeFor(t: TestContext): string {
  mkdirSync(join(PROJECT, ".tools"), { recursive: true });
  const place = mkdtempSync(join(PROJECT, ".tools/guide-"));
  t.after(() => rmSync(place, { recursive: true }));
  return place;
}

/** A module of the guide, as if it stood in a folder of the project. */
function write(place: string, name: string, folder: string, text = block(name)): string {
  const base = pathToFileURL(join(PROJECT, folder, "/"));
  const file = join(place, `${name}.ts`);
  writeFileSync(
    file,
    text
      .replaceAll(/from "(\.[^"]+)"/g, (_, path) => `from "${new URL(path, base)}"`)
      // What the guide adds to these packages stands beside it.
      .replaceAll('from "@fenceline/api"', 'from "./api.ts"')
      .replaceAll('from "@fenceline/render/valve"', 'from "./renderer.ts"'),
  );
  return pathToFileURL(file).href;
}

async function load<M>(url: string): Promise<M> {
  return (await import(url)) as M;
}

test("issue 14: what the guide tells to write is a kind: manifests, CustomResourceDefinition, renderer and collector take it", async (t) => {
  const place = placeFor(t);
  writeFileSync(join(place, "api.ts"), 'export * from "@fenceline/api";\nexport * from "./schema.ts";\n');
  const { VALVE } = await load<{ VALVE: OwnKind }>(write(place, "schema", "packages/api/src/kinds"));
  write(place, "renderer", "packages/render/src/valve");
  write(place, "reconciler", "packages/collector/src/valve");
  const present = readFileSync(join(PROJECT, "packages/collector/src/kinds.ts"), "utf8").match(/^import \{.* from "\.\/\w+\/.*;$/gm) ?? [];
  const imports = [...present, 'import { valves } from "file:RECONCILER";', ""].join("\n");
  const lines = `import type { OWN_KINDS } from "@fenceline/api";\nimport type { KindMaker } from "./kind-context.ts";\n${imports}${block("line")}`;
  const line = write(
    place,
    "line",
    "packages/collector/src",
    lines.replace("file:RECONCILER", pathToFileURL(join(place, "reconciler.ts")).href),
  );
  const { DRIVERS } = await load<{ DRIVERS: Readonly<Record<string, KindMaker>> }>(line);
  const kinds = [...OWN_KINDS, VALVE];

  assert.equal(parseManifests<unknown>(MANIFEST, "valve.yaml", kinds).objects.length, 1);
  const [definition] = customResourceDefinitions(VALVE);
  assert.ok(GUIDE.includes(`charts/fenceline/crds/${definition?.metadata.name}.yaml`));
  const { spec } = definition?.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  assert.equal(spec?.["x-kubernetes-validations"]?.length, 1);

  assert.deepEqual(Object.keys(DRIVERS), [...Object.keys(PRESENT), "Valve"]);
  const [, listed] = /OWN_KINDS = \[(.*)\] as/.exec(readFileSync(join(PROJECT, "packages/api/src/kinds/table.ts"), "utf8")) ?? [];
  assert.ok(GUIDE.includes(`OWN_KINDS = [${listed}, VALVE] as`), "the guide's table has every kind that there is");
  const golden = renderGoldenCase(`given: {}\n---\n${MANIFEST}`, "valve.in.yaml", DRIVERS, kinds);
  assert.match(golden, /^kind: Sidecar\nmetadata:\n {2}name: valve-a$/m);
  const running = await startCollector(t, MANIFEST, undefined, { drivers: DRIVERS }, kinds);
  await running.collector.idle();
  assert.match(running.read("rendered/test1/Sidecar-valve-a.yaml"), /- "\*\/b\.test1\.svc\.cluster\.local"/);
  assert.match(running.read("state/test1/Valve-a.yaml"), /shown: 1/);
  running.write("mesh.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: test1}}");
  await until(() => running.read("rendered/test1/Sidecar-valve-a.yaml") === "" && running.read("state/test1/Valve-a.yaml") === "");
});

test("issue 14: every file that the guide names is there, and so is every script", () => {
  const files = [...GUIDE.matchAll(/`((?:packages|charts|docs)\/[\w./-]+)`/g)].map(([, file = ""]) => file);
  const made = ["charts/fenceline/crds/valves.test.fenceline.io.yaml", "packages/collector/src/valve/valves.ts"];
  for (const file of files.filter((each) => !made.includes(each))) assert.ok(existsSync(join(PROJECT, file)), file);
  assert.ok(files.length > 8);
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
  for (const [, script = ""] of GUIDE.matchAll(/`npm run (\w+)`/g)) assert.ok(script in scripts, script);
  for (const [, file = ""] of GUIDE.matchAll(/\]\(([^)#]+)\)/g)) assert.ok(existsSync(join(PROJECT, "docs", file)), file);
});

test("issue 14: every document that the guide's last step names says something of each kind", () => {
  const step = GUIDE.slice(GUIDE.indexOf("\n## 6. "));
  const documents = [...step.matchAll(/^\| `([\w./]+\.md)`/gm)].map(([, file = ""]) => file);
  assert.ok(documents.length > 5);
  for (const file of documents) {
    const text = readFileSync(join(PROJECT, file), "utf8");
    for (const { name } of OWN_KINDS) assert.ok(text.includes(name), `${file} says nothing of ${name}`);
  }
});

test("issue 14: two lines put a kind into the product, each in a table: no other file that is there names a kind in a list", () => {
  const named =
    /\[SERVICE_FENCE|SERVICE_FENCE\]|ServiceFence: |export .*\/service-fence\.ts"|, SMART_LIMITER\b.*\]|SmartLimiter: |export .*\/smart-limiter\.ts"/;
  // What is exchanged between meshes is what fences have learned, and no other kind of ours.
  const files = globSync("packages/{api,render,store,control,collector,cli}/src/**/*.ts", { cwd: PROJECT }).filter(
    (file) => !/\.test\.ts$|\/testing\/|\/commands\/exchange\//.test(file),
  );
  const found = files.filter((file) => named.test(readFileSync(join(PROJECT, file), "utf8")));
  assert.deepEqual(found.sort(), ["packages/api/src/kinds/table.ts", "packages/collector/src/kinds.ts"]);
});
