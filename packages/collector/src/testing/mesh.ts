/** A small mesh and access-log entries for the tests of this package. */
import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import {
  Config,
  ENDPOINT_SLICE,
  type EndpointSlice,
  NAMESPACE,
  type Namespace,
  type ObjectChange,
  objectsByKind,
  parseManifests,
  type ReadKind,
  SERVICE,
  SERVICE_FENCE,
  type Service,
  ServiceFence,
} from "@fenceline/api";
import type { MeshChanges, MeshSnapshot } from "@fenceline/store";
import { Mesh } from "../mesh.ts";

/** The mesh that the captured streams were taken in: `a` calls `b` and `tcpsvc`. */
export const CAPTURED_MESH = `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {clusterIP: 10.78.111.197, selector: {app: b}, ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: tcpsvc, namespace: test1}, spec: {clusterIP: 10.78.70.189, ports: [{name: tcp, port: 7000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{name: http, port: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: global-sidecar, namespace: mesh-operator}, spec: {clusterIP: 10.78.0.9, ports: [{name: http-80, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [10.77.1.8], hostname: web-0}]
ports: [{name: http, port: 9000}]
---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {enable: true}}
`;

/** Nothing in these tests has a certificate unless a test gives it one. */
export const CONFIG: Config = Config.parse({
  namespace: "mesh-operator",
  telemetry: { acceptPlaintext: true },
  // No Envoy takes anything in here.
  switchOver: { shortestPause: "10ms", longestPause: "10ms", unobservedPause: "10ms" },
});

/** A snapshot whose lists a test may look at, and replace. */
export interface SnapshotWithLists extends MeshSnapshot {
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly fences: readonly ServiceFence[];
}

export function snapshotOf(manifests: string): SnapshotWithLists {
  const { of } = objectsByKind(parseManifests(manifests, "test.yaml").objects);
  return { of, namespaces: of(NAMESPACE), services: of(SERVICE), endpointSlices: of(ENDPOINT_SLICE), fences: of(SERVICE_FENCE) };
}

/** Changes of one kind, and of no other. */
export function changesOf<O>(kind: ReadKind<O>, changes: readonly ObjectChange<O>[]): Pick<MeshChanges, "of"> {
  return { of: ({ name }) => (name === kind.name ? changes : []) as readonly ObjectChange<never>[] };
}

export function meshOf(manifests = CAPTURED_MESH, config = CONFIG): Mesh {
  return new Mesh(snapshotOf(manifests), config);
}

/** The fence `a`, switched on. */
export function fenceOf(spec: object, namespace = "test1"): ServiceFence {
  return ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name: "a", namespace },
    spec: { enable: true, ...spec },
  });
}

export function entryOf(fields: Partial<AccessLogEntry>): AccessLogEntry {
  return {
    kind: "http",
    upstreamCluster: "",
    downstreamLocalAddress: undefined,
    downstreamDirectRemoteAddress: undefined,
    authority: "",
    responseCode: 200,
    sni: "",
    peerUris: [],
    fenceSource: "",
    requests: 1,
    intermediate: false,
    ...fields,
  };
}

export function streamOf(
  fields: Partial<Omit<AccessLogStream, "node">> & { readonly node?: Partial<AccessLogStream["node"]> },
): AccessLogStream {
  const node = { id: "", cluster: "", namespace: "", labels: {}, istioVersion: "", serviceAccount: "", workloadName: "", ...fields.node };
  return { logName: "", peer: "127.0.0.1:1", forwardedClientCert: undefined, ...fields, node };
}
