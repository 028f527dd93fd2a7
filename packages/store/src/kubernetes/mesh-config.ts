import { contentOf, FencelineError, LabelSelector, parseYaml, safeParseObject } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { keyText, type ObjectKey } from "@fenceline/kubernetes";
import type { MeshConfig } from "../store.ts";
import { type OutboundMode, outboundMode } from "./apply/live-object.ts";
import { hostsOfMeshConfig } from "./mesh-config-hosts.ts";

/** Key of the ConfigMap under which Istio keeps its MeshConfig. */
const KEY = "mesh";

/**
 * Reads MeshConfig from its ConfigMap as Istio does (mesh.ApplyMeshConfig). A missing field has
 * Istio's default, and protobuf's JSON takes either spelling of a field's name. Keys that appear
 * twice are no fault to it: the last one counts.
 *
 * @throws {FencelineError} `MESH_CONFIG_INVALID`; Istio then keeps what it read last, and so does
 * the informer
 */
export function readMeshConfig({ metadata, data }: WireObject): MeshConfig {
  const text = (data as Readonly<Record<string, unknown>> | null | undefined)?.[KEY] ?? "";
  const fault = (message: string) =>
    new FencelineError("MESH_CONFIG_INVALID", {
      at: { object: `ConfigMap ${keyText(metadata)}`, path: `data.${KEY}` },
      message,
      hint: "correct it; until then what was read last stays in force",
    });
  if (typeof text !== "string") throw fault("no text");
  const config = fieldsOf(contentIn(text, fault) ?? {}, fault);
  const serviceExportTo = namesIn("defaultServiceExportTo", config.defaultServiceExportTo ?? config.default_service_export_to, fault);
  const ofRoutes = config.defaultVirtualServiceExportTo ?? config.default_virtual_service_export_to;
  const virtualServiceExportTo = namesIn("defaultVirtualServiceExportTo", ofRoutes, fault);
  const discoverySelectors = selectorsIn(config.discoverySelectors ?? config.discovery_selectors, fault);
  const neededHosts = hostsOfMeshConfig(config, fault);
  return {
    outbound: outboundOf(config, fault),
    rootNamespace: rootNamespaceOf(config, fault),
    ...(serviceExportTo.length > 0 && { serviceExportTo }),
    ...(virtualServiceExportTo.length > 0 && { virtualServiceExportTo }),
    ...(discoverySelectors.length > 0 && { discoverySelectors }),
    ...(neededHosts.length > 0 && { neededHosts }),
  };
}

type Fault = (message: string) => FencelineError;

function contentIn(text: string, fault: Fault): unknown {
  const [document] = parseYaml(text).documents;
  if (document === undefined) return undefined;
  const [error] = document.errors;
  if (error !== undefined) throw fault(error.message.split("\n", 1)[0] ?? error.code);
  const content = contentOf(document);
  if (content.fault !== undefined) throw fault(content.fault);
  return content.value;
}

function rootNamespaceOf({ rootNamespace, root_namespace }: Fields, fault: Fault): string | undefined {
  const value = rootNamespace ?? root_namespace ?? "";
  if (typeof value !== "string") throw fault(`rootNamespace is no text: ${JSON.stringify(value)}`);
  return value === "" ? undefined : value;
}

function namesIn(field: string, value: unknown, fault: Fault): readonly string[] {
  if (value == null) return [];
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) throw fault(`${field} is no list of namespaces`);
  return value;
}

/** Where Kubernetes does not accept a selector, Istio keeps the former ones. */
function selectorsIn(value: unknown, fault: Fault): readonly LabelSelector[] {
  if (value == null) return [];
  const read = safeParseObject(LabelSelector.array(), value);
  if (!read.success) throw fault("discoverySelectors is no list of selectors with matchLabels and matchExpressions");
  return read.data;
}

function outboundOf(config: Fields, fault: Fault): OutboundMode {
  const policy = config.outboundTrafficPolicy ?? config.outbound_traffic_policy;
  if (policy == null) return "ALLOW_ANY";
  const { mode } = fieldsOf(policy, fault);
  if (mode != null && !MODES.has(mode))
    throw fault(`outboundTrafficPolicy.mode is neither REGISTRY_ONLY nor ALLOW_ANY: ${JSON.stringify(mode)}`);
  return outboundMode(mode);
}

const MODES: ReadonlySet<unknown> = new Set(["REGISTRY_ONLY", "ALLOW_ANY", 0, 1]);

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, fault: Fault): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault("no mapping where MeshConfig has one");
  return value as Fields;
}

/** The error when there is no MeshConfig to be read. */
export function meshConfigMissing({ namespace = "", name }: ObjectKey): FencelineError {
  return new FencelineError("MESH_CONFIG_MISSING", {
    at: { object: `ConfigMap ${namespace}/${name}` },
    message:
      "there is none, so REGISTRY_ONLY of the mesh is only what callers' Envoys say: name those that istiod reads in config.meshConfigMaps",
  });
}
