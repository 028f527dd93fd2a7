import { type FenceKey, fenceKeyOf, type ServiceFence, type ServiceFenceStatus } from "@fenceline/api";
import { compareKeys, type Step } from "@fenceline/http-api";
import {
  type Caller,
  type Exported,
  type ExportFormat,
  exportedFence,
  exportedPolicies,
  exportedSidecar,
} from "@fenceline/render/exchange";
import type { Mesh } from "../mesh.ts";
import type { FenceReader } from "./views.ts";

/** What is exported: fences with what they have learned, and their mesh. */
export interface ExportSource extends Pick<FenceReader, "fences" | "describe"> {
  mesh(): Mesh;
  /** Name of the service account of a fence's pods, where it is known. */
  serviceAccountOf(fence: FenceKey): string | undefined;
}

/** Which part is exported. */
export interface ExportRequest {
  readonly format: ExportFormat;
  /** Only objects of this namespace. Default: all. */
  readonly namespace?: string | undefined;
  /** Whether comments say when a host was last called. */
  readonly times: boolean;
  /** Key of the object after which the export continues. Default: from the beginning. */
  readonly after?: readonly string[] | undefined;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * An export by namespace and name, one fence a step. For policies, the first steps find out who
 * calls whom, and yield nothing.
 */
export function* exportSteps(source: ExportSource, request: ExportRequest): Generator<Step> {
  const { format, after = [] } = request;
  const exported = format === "authorization-policy" ? policies(source, request) : ofFences(source, request);
  for (const each of exported) {
    if (each === undefined) yield [];
    else {
      const key = [each.object.metadata.namespace ?? "", each.object.metadata.name];
      if (compareKeys(key, after) > 0) yield [{ key, value: each }];
    }
  }
}

function* ofFences(source: ExportSource, request: ExportRequest): Generator<Exported | undefined> {
  const { namespace, after = [] } = request;
  const isWanted = (key: FenceKey) =>
    (namespace === undefined || key.namespace === namespace) && compareKeys([key.namespace, key.name], after) > 0;
  for (const key of inOrder(source.fences().filter(isWanted))) {
    const described = source.describe(key);
    yield described && ofFence(described, source.mesh(), request);
  }
}

interface Described {
  readonly fence: ServiceFence;
  readonly status: ServiceFenceStatus;
}

function ofFence(described: Described, mesh: Mesh, { format, times, now }: ExportRequest): Exported | undefined {
  if (format === "service-fence") return exportedFence(described, { times });
  const { fence } = described;
  const labels = mesh.labelsOf(fence);
  if (labels === undefined) return undefined;
  const { registry, meshHosts, config } = mesh;
  const required = mesh.requiredHosts(fence.metadata.namespace, labels);
  const serviceEntries = fence.spec.serviceEntries ?? config.serviceEntries;
  const { istioNamespace } = config;
  return exportedSidecar({ ...described, labels, registry, meshHosts, required, serviceEntries, istioNamespace, now }, { times });
}

function policies(source: ExportSource, { namespace }: ExportRequest): Generator<Exported | undefined> {
  const { registry, trustDomains } = source.mesh();
  const [trustDomain = "cluster.local"] = trustDomains;
  return exportedPolicies(callersOf(source), registry, { trustDomain, namespace });
}

/** One after the other, when they are asked for. */
function* callersOf(source: ExportSource): Generator<Caller> {
  for (const fence of inOrder(source.fences())) {
    const described = source.describe(fence);
    if (described !== undefined) yield callerOf(described, source);
  }
}

function callerOf(described: Described, source: ExportSource): Caller {
  const fence = fenceKeyOf(described.fence);
  return { fence, hosts: Object.keys(exportedFence(described).object.spec.host), serviceAccount: source.serviceAccountOf(fence) };
}

function inOrder(keys: readonly FenceKey[]): readonly FenceKey[] {
  return [...keys].sort((a, b) => compareKeys([a.namespace, a.name], [b.namespace, b.name]));
}
