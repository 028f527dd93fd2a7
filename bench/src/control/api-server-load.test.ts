import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesClient } from "@fenceline/e2e/lab/kubernetes/client.ts";
import { total, writesBetween, writesSoFar } from "./api-server-load.ts";

/** Some lines of a kube-apiserver's `/metrics`. */
const METRICS = (statuses: number) => `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="networking.istio.io",resource="sidecars",scope="resource",subresource="",verb="APPLY",version="v1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="networking.istio.io",resource="sidecars",scope="resource",subresource="",verb="POST",version="v1"} 100
apiserver_request_total{code="200",component="apiserver",dry_run="",group="networking.istio.io",resource="sidecars",scope="cluster",subresource="",verb="LIST",version="v1"} 9
apiserver_request_total{code="200",component="apiserver",dry_run="",group="microservice.slime.io",resource="servicefences",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} ${statuses}
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 300
apiserver_request_sli_duration_seconds_count{resource="sidecars",verb="POST"} 100
`;

const serving = (text: string) => ({ request: async () => text }) as unknown as KubernetesClient;

test("writes are counted by what they write; reads and leases are not", async () => {
  const before = await writesSoFar(serving(METRICS(20)));
  assert.deepEqual(
    before,
    new Map([
      ["sidecars", 107],
      ["servicefences/status", 20],
    ]),
  );
  const between = writesBetween(before, await writesSoFar(serving(METRICS(23))));
  assert.deepEqual(between, new Map([["servicefences/status", 3]]));
  assert.equal(total(between), 3);
});
