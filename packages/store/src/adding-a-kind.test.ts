/** Does what docs/adding-a-kind.md says: its blocks are written to files and run. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { customResourceDefinitions, OWN_KINDS, type OwnKind, parseManifests, type RenderedObject } from "@fenceline/api";
import { DirectoryStore } from "./directory/directory-store.ts";

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

/** A module of the guide, as if it stood in a folder of the project. */
async function load<M>(t: TestContext, name: string, folder: string): Promise<M> {
  const base = pathToFileURL(join(PROJECT, folder, "/"));
  const text = block(name).replaceAll(/from "(\.[^"]+)"/g, (_, path) => `from "${new URL(path, base)}"`);
  mkdirSync(join(PROJECT, ".tools"), { recursive: true });
  // Within the project, where its packages are found.
  const place = mkdtempSync(join(PROJECT, ".tools/guide-"));
  t.after(() => rmSync(place, { recursive: true }));
  const file = join(place, `${name}.ts`);
  writeFileSync(file, text);
  return (await import(pathToFileURL(file).href)) as M;
}

test("issue 14: what the guide tells to write is a kind: manifests, CustomResourceDefinition, renderer and store take it", async (t) => {
  const { VALVE } = await load<{ VALVE: OwnKind }>(t, "schema", "packages/api/src/kinds");
  const { renderValve } = await load<{ renderValve: (valve: unknown) => RenderedObject }>(t, "renderer", "packages/render/src");
  const kinds = [...OWN_KINDS, VALVE];

  assert.equal(parseManifests<unknown>(MANIFEST, "valve.yaml", kinds).objects.length, 1);
  const [definition] = customResourceDefinitions(VALVE);
  assert.ok(GUIDE.includes(`charts/fenceline/crds/${definition?.metadata.name}.yaml`));
  const { spec } = definition?.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  assert.equal(spec?.["x-kubernetes-validations"]?.length, 1);

  const folder = mkdtempSync(join(PROJECT, ".tools/guide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "valve.yaml"), MANIFEST);
  const store = await DirectoryStore.open({ folder, kinds, onRefused: (error) => assert.fail(error) });
  t.after(() => store.close());
  const owner = { kind: VALVE.name, namespace: "test1", name: "a" };
  const object = renderValve(store.snapshot().of(VALVE)[0]);
  assert.equal(await store.apply({ action: "create", owner, object }), undefined);
  assert.deepEqual(store.ownedBy(owner), [object]);
  assert.equal(await store.writeStatus(owner, { shown: 1 }), undefined);
  assert.partialDeepStrictEqual(store.snapshot().of(VALVE), [{ status: { shown: 1 } }]);
});

test("issue 14: every file that the guide names is there, and so is every script", () => {
  const files = [...GUIDE.matchAll(/`((?:packages|charts|docs)\/[\w./-]+)`/g)].map(([, file = ""]) => file);
  const made = ["charts/fenceline/crds/valves.test.fenceline.io.yaml", "packages/collector/src/valve/valve-reconciler.ts"];
  for (const file of files.filter((each) => !made.includes(each))) assert.ok(existsSync(join(PROJECT, file)), file);
  assert.ok(files.length > 8);
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
  for (const [, script = ""] of GUIDE.matchAll(/`npm run (\w+)`/g)) assert.ok(script in scripts, script);
  for (const [, file = ""] of GUIDE.matchAll(/\]\(([^)#]+)\)/g)) assert.ok(existsSync(join(PROJECT, "docs", file)), file);
});
