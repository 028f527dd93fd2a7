import { z } from "zod";
import { SERVICE_NAME_LABEL } from "../labels.ts";
import { ClusterObjectMeta, Labels, ObjectMeta } from "../object.ts";
import { FencedAnnotations, LAZY_XDS_ANNOTATION } from "./automatic-fence.ts";
import { meshKind, type Repeats } from "./kind.ts";

/**
 * The Kubernetes kinds that Fenceline observes, cut down to the fields that it reads. Unknown
 * fields are dropped, never refused: these objects belong to the API server, and a newer one may
 * add to them.
 */

export const Namespace = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: ClusterObjectMeta.extend({ annotations: FencedAnnotations }),
});
export type Namespace = z.infer<typeof Namespace>;

/**
 * Of a node only its addresses and those that it gives to pods: the global sidecar forwards to
 * neither, except for what a Service declares.
 */
export const Node = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Node"),
  metadata: ClusterObjectMeta,
  spec: z.object({ podCIDR: z.string().nullish(), podCIDRs: z.array(z.string()).nullish() }).nullish(),
  status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).nullish() }).nullish(),
});
export type Node = z.infer<typeof Node>;

/**
 * A range that the API server gives ClusterIPs from. Read from Kubernetes 1.33 on; before, only the
 * API server's flags had it.
 */
export const ServiceCIDR = z.object({
  apiVersion: z.literal("networking.k8s.io/v1"),
  kind: z.literal("ServiceCIDR"),
  metadata: ClusterObjectMeta,
  spec: z.object({ cidrs: z.array(z.string()).nullish() }).nullish(),
});
export type ServiceCIDR = z.infer<typeof ServiceCIDR>;

const PortNumber = z.int().min(1).max(65_535);

export const ServicePort = z.object({
  name: z.string().optional(),
  port: PortNumber,
  targetPort: z.union([PortNumber, z.string()]).optional(),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
  appProtocol: z.string().optional(),
  /** Where kube-proxy takes calls for it on every node. */
  nodePort: PortNumber.nullish().catch(undefined),
});
export type ServicePort = z.infer<typeof ServicePort>;

/** Only the addresses that a load balancer has for a Service. Other things there are no faults. */
const ServiceStatus = z
  .object({
    loadBalancer: z.object({ ingress: z.array(z.object({ ip: z.string().nullish() })).nullish() }).nullish(),
  })
  .nullish()
  .catch(undefined);

const FullService = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: ObjectMeta.extend({ annotations: FencedAnnotations }),
  spec: z
    .object({
      type: z.string().default("ClusterIP"),
      clusterIP: z.string().optional(),
      clusterIPs: z.array(z.string()).optional(),
      externalIPs: z.array(z.string()).optional(),
      externalName: z.string().optional(),
      selector: Labels.default({}),
      ports: z.array(ServicePort).default([]),
    })
    .prefault({}),
  status: ServiceStatus,
});
export type Service = z.infer<typeof FullService>;

/** Without a status that names no address: most Services have one, and nobody reads it. */
export const Service = FullService.transform(({ status, ...service }): Service => {
  const isRead = status?.loadBalancer?.ingress?.some(({ ip }) => ip != null) === true;
  return isRead ? { ...service, status } : service;
});

export const Endpoint = z.object({
  addresses: z.array(z.string()).min(1),
  conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
  /** Of a pod that has a name of its own behind a headless Service. */
  hostname: z.string().nullish(),
  /** What the address belongs to: a pod, most often. */
  targetRef: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
});
export type Endpoint = z.infer<typeof Endpoint>;

export const EndpointSlice = z.object({
  apiVersion: z.literal("discovery.k8s.io/v1"),
  kind: z.literal("EndpointSlice"),
  metadata: ObjectMeta,
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]).default("IPv4"),
  endpoints: z.array(Endpoint).nullish(),
  ports: z.array(z.object({ name: z.string().nullish(), port: PortNumber.nullish(), protocol: z.string().nullish() })).nullish(),
});
export type EndpointSlice = z.infer<typeof EndpointSlice>;

function keepNamespace({ metadata, ...namespace }: Namespace, repeats: Repeats): Namespace {
  const { name, labels, annotations, deletionTimestamp } = metadata;
  const kept = { name: repeats.text(name), labels: repeats.labels(labels), ...keepAnnotations(annotations, repeats) };
  return { ...namespace, metadata: { ...kept, ...(deletionTimestamp && { deletionTimestamp }) } };
}

/** Hardly any object has one that is read. */
function keepAnnotations(annotations: z.infer<typeof FencedAnnotations>, repeats: Repeats) {
  return annotations?.[LAZY_XDS_ANNOTATION] === undefined ? {} : { annotations: repeats.value(annotations) };
}

function keepService({ metadata: { name, namespace, labels, annotations }, spec, status, ...service }: Service, repeats: Repeats): Service {
  const { clusterIP, clusterIPs } = spec;
  return {
    ...service,
    metadata: {
      name: repeats.text(name),
      namespace: repeats.text(namespace),
      labels: repeats.labels(labels),
      ...keepAnnotations(annotations, repeats),
    },
    spec: {
      ...spec,
      type: repeats.text(spec.type),
      ...(clusterIPs && { clusterIPs: clusterIPs.map((address) => (address === clusterIP ? clusterIP : address)) }),
      selector: repeats.labels(spec.selector),
      ports: repeats.value(spec.ports),
    },
    ...(status != null && { status: repeats.value(status) }),
  };
}

/** Of its labels only the name of its Service is read. */
function keepEndpointSlice({ metadata: { name, namespace, labels }, ...slice }: EndpointSlice, repeats: Repeats): EndpointSlice {
  const service = labels[SERVICE_NAME_LABEL];
  const endpointOf = ({ addresses, conditions, hostname, targetRef }: Endpoint) => ({
    addresses,
    ...(conditions != null && { conditions: repeats.value(conditions) }),
    ...(hostname != null && { hostname }),
    ...(targetRef?.kind === "Pod" && { targetRef: { kind: "Pod", name: targetRef.name } }),
  });
  return {
    ...slice,
    metadata: {
      ...{ name, namespace: repeats.text(namespace) },
      labels: service === undefined ? {} : { [SERVICE_NAME_LABEL]: repeats.text(service) },
    },
    ...(slice.endpoints && { endpoints: slice.endpoints.map(endpointOf) }),
    ...(slice.ports && { ports: repeats.value(slice.ports) }),
  };
}

/** A node has some twenty labels, and nobody reads them. */
function withoutLabels<O extends Node | ServiceCIDR>(object: O): O {
  return { ...object, metadata: { name: object.metadata.name, labels: {} } };
}

export const NAMESPACE = meshKind(
  { name: "Namespace", plural: "namespaces", apiVersions: ["v1"], isNamespaced: false },
  { schema: Namespace, keep: keepNamespace, isOptional: false, isInManifests: true },
);
export const SERVICE = meshKind(
  { name: "Service", plural: "services", apiVersions: ["v1"], isNamespaced: true },
  { schema: Service, keep: keepService, isOptional: false, isInManifests: true },
);
export const ENDPOINT_SLICE = meshKind(
  { name: "EndpointSlice", plural: "endpointslices", apiVersions: ["discovery.k8s.io/v1"], isNamespaced: true },
  { schema: EndpointSlice, keep: keepEndpointSlice, isOptional: false, isInManifests: true },
);
export const NODE = meshKind(
  { name: "Node", plural: "nodes", apiVersions: ["v1"], isNamespaced: false },
  { schema: Node, keep: withoutLabels, isOptional: false, isInManifests: false },
);
/**
 * `v1` is there from Kubernetes 1.33 on. Without it the ranges of Services are not known, and
 * nothing else is missing.
 */
export const SERVICE_CIDR = meshKind(
  { name: "ServiceCIDR", plural: "servicecidrs", apiVersions: ["networking.k8s.io/v1"], isNamespaced: false },
  { schema: ServiceCIDR, keep: withoutLabels, isOptional: true, isInManifests: false },
);
