import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { CHART, HELM } from "./chart.ts";

const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/tools/install.mjs helm could not install it";

/**
 * What Helm asks of an API server before it renders: its version, its kinds, and the namespaces
 * that the chart looks up.
 */
async function apiServer(t: TestContext, namespaces: readonly string[]): Promise<string> {
  const answers: Readonly<Record<string, unknown>> = {
    "/version": { major: "1", minor: "34", gitVersion: "v1.34.0" },
    "/api": { kind: "APIVersions", versions: ["v1"] },
    "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
    "/api/v1": {
      kind: "APIResourceList",
      groupVersion: "v1",
      resources: [{ name: "namespaces", singularName: "namespace", kind: "Namespace", namespaced: false, verbs: ["get", "list"] }],
    },
    ...Object.fromEntries(
      namespaces.map((name) => [`/api/v1/namespaces/${name}`, { kind: "Namespace", apiVersion: "v1", metadata: { name } }]),
    ),
  };
  const server = createServer(({ url = "" }, response) => {
    const answer = answers[url.replace(/\?.*/, "")];
    const missing = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer ?? missing));
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The chart as Helm renders it for that cluster; nothing is made. */
async function render(server: string, ...flags: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", KUBECONFIG: "/dev/null", HELM_NO_PLUGINS: "1" };
  const args = ["template", "fenceline", CHART, "--namespace", "fenceline", "--set", "image.repository=registry.example/fenceline"];
  const run = promisify(execFile)(HELM ?? "helm", [...args, "--dry-run=server", "--kube-apiserver", server, ...flags], { env });
  return run.then(({ stdout }) => stdout).catch(({ stderr }: { stderr: string }) => stderr);
}

test("T-53 without the namespace of Istio's control plane the chart stops before anything is made, and names it", { skip }, async (t) => {
  const server = await apiServer(t, ["kube-system", "mesh"]);
  assert.match(
    await render(server),
    /config\.istioNamespace: there is no namespace istio-system in this cluster\. Install Istio first, or set/,
  );
  // Rendered: Helm goes on to look for the kinds of the objects, of which this server has none.
  const passed = await render(server, "--set", "config.istioNamespace=mesh", "--disable-openapi-validation");
  assert.match(passed, /unable to build kubernetes objects from release manifest/);
});
