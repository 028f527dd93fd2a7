import {
  type Config,
  compareText,
  FENCED_LABEL,
  type FenceKey,
  fenceKeyOf,
  formatFenceKey,
  isAutomatic,
  type LabelSelector,
  type Labels,
  type Namespace,
  type Service,
  type ServiceFence,
  type SystemConfig,
  systemNamespaces,
} from "@fenceline/api";
import { isInScope } from "./scope.ts";

/** What {@link wantedFences} judges from. */
export interface WantedFencesInput {
  readonly snapshot: {
    readonly namespaces: readonly Namespace[];
    readonly services: readonly Service[];
    readonly fences: readonly ServiceFence[];
  };
  readonly config: Pick<Config, "automaticFences"> & SystemConfig;
  /** Those of each control plane. Default: each knows every namespace. */
  readonly discovery?: readonly (readonly LabelSelector[])[];
  /** Labels of the pods that a fence is for; undefined when it is for none. */
  readonly workloadOf: (fence: ServiceFence) => Labels | undefined;
}

/** What is to be. Both in the order of their names. */
export interface WantedFences {
  /** Automatic fences that are to exist. */
  readonly fences: readonly FenceKey[];
  /** Names of Services that nothing can be said about yet: what there is for them stays. */
  readonly undecided: readonly FenceKey[];
}

/**
 * Services with the same selector, in the order of their names: a headless one beside a normal one
 * is the same workload.
 */
interface Workload {
  readonly namespace: string;
  readonly id: string;
  readonly services: readonly Service[];
}

const NOTHING: WantedFences = { fences: [], undecided: [] };

/** A Service that did not change is the same object in every snapshot. */
const workloadIds = new WeakMap<Service, string>();

/**
 * The automatic fences that are to exist: one for each workload that some Service asks for, none
 * where a person made one. Two would each have a Sidecar for the same pods, of which Istio uses the
 * older.
 */
export function wantedFences({ snapshot, config, discovery = [], workloadOf }: WantedFencesInput): WantedFences {
  const { create, namespaces } = config.automaticFences;
  if (create === "Off") return NOTHING;
  const { automatic, taken } = ownership(snapshot.fences, workloadOf);
  const labels = new Map(snapshot.namespaces.map(({ metadata }) => [metadata.name, metadata.labels]));
  const inhabited = new Set(snapshot.services.map(({ metadata }) => metadata.namespace));
  const scope = new Map([...inhabited].map((name) => [name, isInScope({ namespaces, discovery }, name, labels.get(name))]));
  const fences: FenceKey[] = [];
  const undecided: FenceKey[] = [];
  for (const { namespace, id, services } of workloads(snapshot.services, config)) {
    if (taken.has(id) || services.some(({ metadata }) => taken.has(formatFenceKey(metadata)))) continue;
    const isIn = scope.get(namespace);
    if (isIn === false) continue;
    const asking = isIn && servicesAsking(services, labels.get(namespace), create === "All");
    if (asking === undefined) undecided.push(...services.map(fenceKeyOf));
    if (asking === undefined || asking[0] === undefined) continue;
    // The fence that exists keeps what it has learned, even where another Service of the workload
    // asks now.
    fences.push(fenceKeyOf(services.find(({ metadata }) => automatic.has(formatFenceKey(metadata))) ?? asking[0]));
  }
  return { fences: fences.sort(byName), undecided: undecided.sort(byName) };
}

/** Names of automatic fences; and what people have taken, names and workloads. */
function ownership(fences: readonly ServiceFence[], workloadOf: WantedFencesInput["workloadOf"]) {
  const automatic = new Set<string>();
  const taken = new Set<string>();
  for (const fence of fences) {
    const { metadata } = fence;
    const isOurs = isAutomatic(metadata.labels);
    const workload = isOurs ? undefined : workloadOf(fence);
    (isOurs ? automatic : taken).add(formatFenceKey(metadata));
    if (workload !== undefined) taken.add(workloadId(metadata.namespace, workload));
  }
  return { automatic, taken };
}

/**
 * The Services of a workload that ask for a fence; undefined when that is not known. Each Service's
 * own label decides, else its Namespace's, else the configuration. A label `false` counts for the
 * pods, which all its Services share.
 *
 * @param labels those of the Namespace; undefined when the Namespace itself is not known: it may
 * have any
 */
function servicesAsking(services: readonly Service[], labels: Labels | undefined, byDefault: boolean): readonly Service[] | undefined {
  const ownLabel = ({ metadata }: Service) => metadata.labels[FENCED_LABEL];
  if (services.some((service) => ownLabel(service) === "false")) return [];
  const asking = services.filter((service) => ownLabel(service) === "true");
  if (labels === undefined) return asking.length > 0 ? asking : undefined;
  const ofNamespace = labels[FENCED_LABEL];
  return ofNamespace === "true" || (byDefault && ofNamespace !== "false") ? services : asking;
}

function workloads(services: readonly Service[], config: SystemConfig): Workload[] {
  const groups = new Map<string, Service[]>();
  const reserved = systemNamespaces(config);
  for (const service of services) {
    const { namespace } = service.metadata;
    const { type, selector } = service.spec;
    if (reserved.has(namespace) || type === "ExternalName" || Object.keys(selector).length === 0) continue;
    const id = workloadIds.get(service) ?? workloadId(namespace, selector);
    workloadIds.set(service, id);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [service]);
    else group.push(service);
  }
  return [...groups].map(([id, group]) => {
    const sorted = group.length === 1 ? group : group.sort((one, other) => byName(one.metadata, other.metadata));
    return { namespace: sorted[0]?.metadata.namespace ?? "", id, services: sorted };
  });
}

/** A `{` is in no name, so that no workload is taken for a name. */
function workloadId(namespace: string, selector: Labels): string {
  const labels = Object.keys(selector)
    .sort()
    .map((label) => [label, selector[label]]);
  return `${namespace}{${JSON.stringify(labels)}`;
}

function byName(one: FenceKey, other: FenceKey): number {
  return compareText(formatFenceKey(one), formatFenceKey(other));
}
