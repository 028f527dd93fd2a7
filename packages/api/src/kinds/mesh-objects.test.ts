import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "../manifest.ts";

const VIRTUAL_SERVICE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: b, namespace: test1, labels: { team: shop }, annotations: { by: somebody } }
spec:
  hosts: [b, shop.example]
  gateways: [mesh, istio-system/ingress]
  exportTo: [".", test2]
  http:
    - match: [{ uri: { prefix: /v2 } }]
      timeout: 1s
      route:
        - { destination: { host: b, subset: v1 }, weight: 90 }
        - { destination: { host: c.test2.svc.cluster.local, port: { number: 80 } }, weight: 10 }
      mirror: { host: d }
      mirrors: [{ destination: { host: e }, percentage: { value: 1 } }]
    - { delegate: { name: part, namespace: test3 } }
    - { redirect: { uri: / } }
  tcp: [{ route: [{ destination: { host: f } }] }]
  tls: [{ match: [{ sniHosts: [shop.example] }], route: [{ destination: { host: b } }] }]
`;

const SERVICE_ENTRY = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: api, namespace: test1, labels: { team: shop, networking.istio.io/enable-autoallocate-ip: "false" } }
spec:
  hosts: [api.example, "*.cdn.example"]
  location: MESH_EXTERNAL
  addresses: [240.0.0.1]
  ports: [{ number: 443, name: https, protocol: TLS, targetPort: 8443 }]
  resolution: STATIC
  endpoints: [{ address: 192.0.2.1 }]
  workloadSelector: { labels: { app: api } }
  exportTo: ["*"]
`;

const keptOf = (manifest: string) => parseManifests(manifest, "mesh.yaml").objects;

test("issue 16: of a VirtualService its hosts, who sees it, and everything that it may send calls to is kept", () => {
  assert.deepEqual(keptOf(VIRTUAL_SERVICE), [
    {
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
      metadata: { name: "b", namespace: "test1", labels: {} },
      spec: {
        hosts: ["b", "shop.example"],
        gateways: ["mesh", "istio-system/ingress"],
        exportTo: [".", "test2"],
        destinations: ["b", "c.test2.svc.cluster.local", "f", "d", "e"],
        delegates: [{ name: "part", namespace: "test3" }],
      },
    },
  ]);
});

test("issue 16: a VirtualService that only others delegate to has no hosts, and that is no fault", () => {
  const part = "{apiVersion: networking.istio.io/v1beta1, kind: VirtualService, metadata: {name: part}, spec: {http: null}}";
  assert.deepEqual(
    keptOf(part).map((object) => "spec" in object && object.spec),
    [{ hosts: [], gateways: [], exportTo: [], destinations: [], delegates: [] }],
  );
});

test("issue 16: of a ServiceEntry its hosts, addresses, ports and visibility are kept, and no endpoint", () => {
  assert.deepEqual(keptOf(SERVICE_ENTRY), [
    {
      ...{ apiVersion: "networking.istio.io/v1alpha3", kind: "ServiceEntry" },
      metadata: { name: "api", namespace: "test1", labels: { team: "shop", "networking.istio.io/enable-autoallocate-ip": "false" } },
      spec: {
        hosts: ["api.example", "*.cdn.example"],
        addresses: ["240.0.0.1"],
        ports: [{ number: 443, name: "https", protocol: "TLS" }],
        exportTo: ["*"],
        workloadSelector: { labels: { app: "api" } },
      },
    },
  ]);
  const odd = SERVICE_ENTRY.replace("labels: { app: api } }", "labels: [app] }");
  assert.deepEqual(
    keptOf(odd).map((object) => JSON.stringify(object).includes("workloadSelector")),
    [false],
  );
});
