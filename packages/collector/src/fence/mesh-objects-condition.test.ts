/** What cannot be read of ServiceEntries and VirtualServices holds up nothing. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { SERVICE_ENTRY, VIRTUAL_SERVICE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer } from "@fenceline/kubernetes/testing";
import { ENDPOINT_SLICES, ENVOY_FILTERS, FENCE, NAMESPACES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const [ENTRIES] = resourcesOf(SERVICE_ENTRY);
const [ROUTES] = resourcesOf(VIRTUAL_SERVICE);
const versionsOf = (resource: Resource) =>
  [resource.apiVersion, ...(resource.otherVersions ?? [])].map((apiVersion) => ({ ...resource, apiVersion }));

/** Nothing but time tells that a kind can be read again: rounds follow the window. */
const CONFIG_OF_SHORT_ROUNDS = { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "2s", shortestWindow: "1s" } };
const start = (t: TestContext, prepare: (server: FakeApiServer) => void) => startCluster(t, prepare, true, CONFIG_OF_SHORT_ROUNDS);

test("issue 16: kinds that may not be read are the fence's condition, and what can be done is done", async (t) => {
  const grants: (() => void)[] = [];
  const { server, condition, message } = await start(t, (fake) => {
    grants.push(fake.forbid(ENTRIES, "GET"), fake.forbid(ROUTES, "GET"));
  });
  await until(() => condition("MeshObjectsSeen") === "False NotPermitted");
  await until(() => server.get(SIDECARS, FENCE) !== undefined);
  assert.equal(condition("Ready"), "True Rendered");
  assert.match(message("MeshObjectsSeen"), /may not read ServiceEntry and VirtualService.*serviceentries\.networking\.istio\.io/);
  for (const grant of grants) grant();
  await until(() => condition("MeshObjectsSeen") === undefined);
});

test("issue 16: a cluster without these kinds renders fences all the same, and says what it does not see until they are there", async (t) => {
  let installs: (() => void)[] = [];
  const { server, condition, message } = await start(t, (fake) => {
    installs = versionsOf(ROUTES).map((resource) => fake.uninstall(resource));
  });
  await until(() => condition("MeshObjectsSeen") === "False NotInstalled" && server.get(SIDECARS, FENCE) !== undefined);
  assert.match(message("MeshObjectsSeen"), /^the API server has no kind VirtualService: install/);
  for (const install of installs) install();
  await until(() => condition("MeshObjectsSeen") === undefined);
});

const JUDGED = ["Ready", "Enforced", "Conflict", "FallbackReady"] as const;
const GOOD = ["True Rendered", "True SidecarRendered", "False NoOtherSidecar", "True EndpointsReady"];

for (const [resource, unknown] of [
  [SIDECARS, ["Ready", "Enforced", "Conflict"]],
  [ENVOY_FILTERS, ["Ready", "FallbackReady"]],
  [ENDPOINT_SLICES, ["Ready", "FallbackReady"]],
  [SERVICES, ["Ready", "FallbackReady"]],
  [NAMESPACES, ["Ready"]],
] as const)
  test(`T-15 what was read before the right to read ${resource.plural} was lost proves nothing, and no condition says that it does`, async (t) => {
    const { server, condition, message } = await start(t, () => {});
    const told = () => JUDGED.map(condition);
    await until(() => isDeepStrictEqual(told(), GOOD));
    const grant = server.forbid(resource, "GET");
    server.endWatches(resource);
    const lost = JUDGED.map((type, at) => ((unknown as readonly string[]).includes(type) ? "Unknown NotPermitted" : GOOD[at]));
    await until(() => isDeepStrictEqual(told(), lost));
    assert.match(message("Ready"), /^the collector may not read \w+s, see MeshObjectsSeen$/);
    assert.match(message("MeshObjectsSeen"), new RegExp(`^the collector may not read \\w+: .*watch of ${resource.plural}`));
    grant();
    await until(() => isDeepStrictEqual(told(), GOOD));
  });
