import { z } from "zod";
import { ClusterObjectMeta, Labels, ObjectMeta } from "../object.ts";
import type { Kind, ReadKind } from "./kind.ts";

/**
 * The Kubernetes kinds that Fenceline observes, cut down to the fields that it reads. Unknown
 * fields are dropped, never refused: these objects belong to the API server, and a newer one may
 * add to them.
 */

export const Namespace = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: ClusterObjectMeta,
});
export type Namespace = z.infer<typeof Namespace>;

/**
 * Of a node only its addresses and those that it gives to pods: the global sidecar forwards to
 * neither, but for what a Service declares.
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
});
export type ServicePort = z.infer<typeof ServicePort>;

export const Service = z.object({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: ObjectMeta,
  spec: z
    .object({
      type: z.string().default("ClusterIP"),
      clusterIP: z.string().optional(),
      clusterIPs: z.array(z.string()).optional(),
      externalName: z.string().optional(),
      selector: Labels.default({}),
      ports: z.array(ServicePort).default([]),
    })
    .prefault({}),
});
export type Service = z.infer<typeof Service>;

export const Endpoint = z.object({
  addresses: z.array(z.string()).min(1),
  conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
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

const read = <O, Name extends string>(
  schema: ReadKind<O>["schema"],
  { name, apiVersions, plural, isNamespaced }: Kind<Name>,
): ReadKind<O, Name> => ({ name, plural, apiVersions, isNamespaced, schema, errorPrefix: name.toUpperCase() });

export const NAMESPACE = read(Namespace, { name: "Namespace", plural: "namespaces", apiVersions: ["v1"], isNamespaced: false });
export const NODE = read(Node, { name: "Node", plural: "nodes", apiVersions: ["v1"], isNamespaced: false });
/** `v1` is there from Kubernetes 1.33 on. */
export const SERVICE_CIDR = read(ServiceCIDR, {
  ...{ name: "ServiceCIDR", plural: "servicecidrs", apiVersions: ["networking.k8s.io/v1"], isNamespaced: false },
});
export const SERVICE = read(Service, { name: "Service", plural: "services", apiVersions: ["v1"], isNamespaced: true });
export const ENDPOINT_SLICE = read(EndpointSlice, {
  ...{ name: "EndpointSlice", plural: "endpointslices", apiVersions: ["discovery.k8s.io/v1"], isNamespaced: true },
});
