/** T-15: what somebody else makes of our objects, on the way to the API server or there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, RecordedRequest } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";

interface Written {
  readonly kind?: string;
  readonly metadata?: object;
  readonly spec?: object;
}

const isOf =
  (kind: string) =>
  ({ method, body, path }: RecordedRequest) =>
    method === "PATCH" && path.includes(kind) && (body as Written).spec !== undefined;

/** A webhook that puts something else in the place of a field of what is written of a kind. */
function altering(kind: string, field: string, value: unknown) {
  return (object: object) => {
    const { spec, ...written } = object as Written;
    // A merge patch does not name its kind.
    const isOfKind = written.kind === kind || (written.kind === undefined && spec !== undefined && field in spec);
    return isOfKind ? { ...written, spec: { ...spec, [field]: value } } : object;
  };
}

const EVERYTHING = [{ hosts: ["*/*"] }];
for (const [what, kind, field, value, reason] of [
  ["shows everything", "Sidecar", "egress", EVERYTHING, "SidecarDiffers"],
  ["is for other pods", "Sidecar", "workloadSelector", { labels: { app: "z" } }, "SidecarDiffers"],
  ["has no patches", "EnvoyFilter", "configPatches", [], "WriteAltered"],
] as const)
  test(`T-15 a ${kind} that a webhook changes so that it ${what} is neither ready nor enforced, until the webhook is gone`, async (t) => {
    const { server, condition, message, collector } = await startCluster(t, (fake) => {
      fake.webhook = altering(kind, field, value);
    });
    await until(() => condition("Ready") === "False WriteAltered");
    assert.match(message("Ready"), new RegExp(`^${kind} test1/a was changed .* at spec\\.${field}.*webhook or policy`));
    await until(() => condition("Enforced") === `False ${reason}`);
    await collector.idle();
    const writes = () => server.requests.filter(isOf(kind === "Sidecar" ? "sidecars" : "envoyfilters")).length;
    const before = writes();
    await until(() => writes() > before);
    assert.ok(writes() - before <= 4, "it is written ever more slowly");
    server.webhook = undefined;
    await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
  });

/** A webhook that adds to the listeners of each Sidecar what Istio has as their default. */
function addingToListeners(object: object) {
  const { spec, ...written } = object as { readonly spec?: Partial<Sidecar["spec"]> };
  const egress = spec?.egress?.map((listener) => ({ captureMode: "DEFAULT", ...listener }));
  return egress === undefined ? object : { ...written, spec: { ...spec, egress } };
}

function addingAnnotation(object: object) {
  const { kind, metadata, ...rest } = object as Written;
  return { kind, ...rest, metadata: { ...metadata, annotations: { ...annotationsOf(metadata), "team.example/owner": "x" } } };
}

const annotationsOf = (metadata: object | undefined) => (metadata as { readonly annotations?: object } | undefined)?.annotations;

for (const [where, webhook] of [
  ["beside the spec", addingAnnotation],
  ["within the spec", addingToListeners],
] as const)
  test(`T-15 what a webhook only adds ${where} is no obstacle, and is not fought`, async (t) => {
    const { server, condition, collector } = await startCluster(t, (fake) => {
      fake.webhook = webhook;
    });
    await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
    await until(() => parkedHosts(sidecarIn(server)).length === 0);
    await collector.idle();
    const isRendered = (request: RecordedRequest) => isOf("sidecars")(request) || isOf("envoyfilters")(request);
    const before = server.requests.length;
    collector.lead();
    await collector.idle();
    assert.deepEqual(server.requests.slice(before).filter(isRendered), []);
  });

const sidecarIn = (server: FakeApiServer) => server.get(SIDECARS, FENCE) as unknown as Sidecar;

for (const [what, spec] of [
  ["takes the list of hosts out of", ({ egress: _egress, ...rest }: Sidecar["spec"]) => rest],
  ["empties", () => ({})],
  ["puts a listener without hosts into", (spec: Sidecar["spec"]) => ({ ...spec, egress: [{}] })],
  ["has everything shown by", (spec: Sidecar["spec"]) => ({ ...spec, egress: EVERYTHING })],
  ["adds a namespace to", ({ egress, ...rest }: Sidecar["spec"]) => ({ ...rest, egress: [...egress, { hosts: ["test1/*"] }] })],
] as const)
  test(`T-15 a person who ${what} the Sidecar of a fence has it put back; while that fails the fence is not enforced`, async (t) => {
    const { server, condition } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered" && parkedHosts(sidecarIn(server)).length === 0);
    const rendered = sidecarIn(server);
    const mend = server.fail(isOf("sidecars"), { status: 500, body: { code: 500, message: "failed calling webhook" } });
    server.put(SIDECARS, { ...rendered, spec: spec(rendered.spec) });
    await until(() => condition("Ready") === "False WebhookFailed");
    await until(() => condition("Enforced") === "False SidecarDiffers");
    mend();
    await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
    await until(() => isDeepStrictEqual(sidecarIn(server).spec, rendered.spec));
  });

test("T-15 a person who empties the EnvoyFilter of a fence has it put back", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  const { spec, ...rendered } = server.get(ENVOY_FILTERS, FENCE) as unknown as { readonly spec: object };
  server.put(ENVOY_FILTERS, { ...rendered, spec: {} });
  await until(() => isDeepStrictEqual(server.get(ENVOY_FILTERS, FENCE)?.spec, spec));
});

test("T-15 Ready is never True while Enforced says that the Sidecar differs, nor while an emptied EnvoyFilter sends no call to the global sidecar", async (t) => {
  const { server, condition, message } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered" && parkedHosts(sidecarIn(server)).length === 0);
  const said = (...types: string[]) => types.map(condition).join(", ");
  // One write that fails is no obstacle yet, and the next one is under way for long.
  for (const [resource, spec, expected] of [
    [
      SIDECARS,
      { egress: EVERYTHING, workloadSelector: { labels: { app: "a" } } },
      "False SidecarDiffers, False SidecarDiffers, True EndpointsReady",
    ],
    [ENVOY_FILTERS, {}, "False EnvoyFilterDiffers, True SidecarRendered, False EnvoyFilterDiffers"],
  ] as const) {
    const isWrite = isOf(resource.plural);
    let writes = 0;
    const release = server.hold((request) => isWrite(request) && ++writes > 1);
    server.answer(isWrite, { status: 500, body: { code: 500, message: "an error on the server" } });
    server.put(resource, { ...server.get(resource, FENCE), spec });
    await until(() => said("Ready", "Enforced", "FallbackReady") === expected);
    assert.match(message("Ready"), /that is there (shows the whole mesh|is for other pods)/);
    release();
    await until(() => said("Ready", "Enforced", "FallbackReady") === "True Rendered, True SidecarRendered, True EndpointsReady");
  }
});

test("T-15 whoever changes a Sidecar all the time is told as one who contests it", async (t) => {
  const { server, condition, message } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered" && parkedHosts(sidecarIn(server)).length === 0);
  const rendered = sidecarIn(server);
  await until(() => {
    const sidecar = sidecarIn(server);
    if (!sidecarHosts(sidecar).includes("*/*")) server.put(SIDECARS, { ...sidecar, spec: { ...rendered.spec, egress: EVERYTHING } });
    return condition("Ready") === "False Contested";
  });
  assert.match(message("Ready"), /managedFields/);
  await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "True SidecarRendered");
});

test("T-15 a write that meets a conflict for ever is told as contested", async (t) => {
  let mend = () => {};
  const { condition, message } = await startCluster(t, (fake) => {
    mend = fake.fail(isOf("sidecars"), { status: 409, body: { code: 409, message: "the object has been modified" } });
  });
  await until(() => condition("Ready") === "False Contested");
  assert.match(message("Ready"), /managedFields/);
  mend();
  await until(() => condition("Ready") === "True Rendered");
});
