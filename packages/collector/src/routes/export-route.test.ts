import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fenceKeyOf } from "@fenceline/api";
import { localTokenGuard, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { meshOf } from "../testing/mesh.ts";
import { exportRoute } from "./export-route.ts";

const MESH = meshOf(`
${["a", "c", "d"]
  .map(
    (name) =>
      `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: test1}, spec: {host: {b.test1.svc.cluster.local: {}}}}`,
  )
  .join("\n---\n")}
---
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {selector: {app: b}, ports: [{port: 80}]}}
`);
const SOURCE = {
  fences: () => MESH.fences().map(fenceKeyOf).toReversed(),
  describe: (key: { namespace: string; name: string }) => {
    const fence = MESH.fence(key);
    return fence && { fence, status: fence.status };
  },
  mesh: () => MESH,
  serviceAccountOf: () => "sa",
};

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly continue?: string;
  readonly objects: readonly {
    readonly object: { readonly metadata: { readonly name: string }; readonly spec: { readonly rules?: unknown } };
    readonly comments: readonly { readonly text: string }[];
  }[];
}

async function start(t: TestContext, source: () => typeof SOURCE | undefined = () => SOURCE) {
  const guard = localTokenGuard({ matches: () => false, hint: "there is none" });
  const api = await serveHttpApi({ host: "127.0.0.1", port: 0, guard, routes: [exportRoute(source)], names: serviceNames("x.y.svc.z") });
  t.after(() => api.close());
  return async (query: string) => {
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/export${query}`);
    return { status: response.status, json: (await response.json()) as Answer };
  };
}

test("an export comes in pages, by namespace and name", async (t) => {
  const ask = await start(t);
  const names: string[] = [];
  let next = "";
  do {
    const { json } = await ask(`?limit=1${next}`);
    assert.equal(json.objects.length, 1);
    names.push(json.objects[0]?.object.metadata.name ?? "");
    next = json.continue === undefined ? "" : `&continue=${json.continue}`;
  } while (next !== "");
  assert.deepEqual(names, ["a", "c", "d"]);
});

test("policies are of the callee's namespace, and everybody who calls is in one", async (t) => {
  const ask = await start(t);
  const { json } = await ask("?format=authorization-policy&namespace=test1");
  assert.deepEqual(json.objects[0]?.object.spec.rules, [{ from: [{ source: { principals: ["cluster.local/ns/test1/sa/sa"] } }] }]);
  assert.equal(json.objects[0]?.comments[0]?.text, "test1/a, test1/c, test1/d");
  assert.deepEqual((await ask("?format=authorization-policy&namespace=other")).json.objects, []);
});

test("the right to policies is that of all namespaces, since they name callers of all", () => {
  const { right } = exportRoute(() => SOURCE);
  assert.ok(right !== "none");
  const rightTo = (query: string) => right({ query } as Parameters<typeof right>[0]).namespace;
  assert.deepEqual(
    [rightTo("namespace=shop"), rightTo("namespace=shop&format=sidecar"), rightTo("namespace=shop&format=authorization-policy")],
    ["shop", "shop", undefined],
  );
});

test("what is no format is refused, and nothing is exported before the mesh is known", async (t) => {
  const ask = await start(t);
  const { status, json } = await ask("?format=helm");
  assert.deepEqual([status, json.code], [400, "PARAMETER_INVALID"]);
  assert.match(json.message, /service-fence, sidecar, authorization-policy/);
  const early = await (await start(t, () => undefined))("");
  assert.deepEqual([early.status, early.json.code], [503, "NOT_READY"]);
});
