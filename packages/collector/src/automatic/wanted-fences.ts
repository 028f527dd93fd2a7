import {
  askedFenced,
  type Config,
  compareText,
  type FenceKey,
  fenceKeyOf,
  formatFenceKey,
  isAutomatic,
  isManaged,
  type LabelSelector,
  type Labels,
  type Namespace,
  type Service,
  type ServiceFence,
  type SystemConfig,
  systemNamespaces,
  type WantedFence,
} from "@fenceline/api";
import { LabelSelectors } from "@fenceline/render/fence";
import type { PodValue } from "./pod-values.ts";
import { isInScope } from "./scope.ts";
import { wantedForPods } from "./wanted-for-pods.ts";

/** The input of {@link wantedFences}. */
export interface WantedFencesInput {
  readonly snapshot: {
    readonly namespaces: readonly Namespace[];
    readonly services: readonly Service[];
    readonly fences: readonly ServiceFence[];
    /**
     * By namespace, the values of `automaticFences.podLabel`; `unknown` when the pods are not
     * known. Default: there are none.
     */
    readonly podValues?: ReadonlyMap<string, readonly PodValue[]> | "unknown";
  };
  readonly config: Pick<Config, "automaticFences" | "revisions"> & SystemConfig;
  /** `discoverySelectors` of each control plane. Default: each reads every namespace. */
  readonly discovery?: readonly (readonly LabelSelector[])[];
  /** Labels of the pods that a fence selects; undefined when it selects none. */
  readonly workloadOf: (fence: ServiceFence) => Labels | undefined;
}

/** The result, ordered by name. */
export interface WantedFences {
  /** Automatic fences that are to exist. */
  readonly fences: readonly WantedFence[];
  /** Names for which the answer is not known yet: their fences stay as they are. */
  readonly undecided: readonly FenceKey[];
}

/**
 * Services with the same selector, ordered by name: a headless Service beside a normal one is the
 * same workload.
 */
interface Workload {
  readonly namespace: string;
  readonly id: string;
  readonly selector: Labels;
  readonly services: readonly Service[];
}

const NOTHING: WantedFences = { fences: [], undecided: [] };

/** A Service that did not change is the same object in every snapshot. */
const workloadIds = new WeakMap<Service, string>();

/** The decision for a workload, from its own Services. */
type Verdict =
  | { readonly what: "fenced"; readonly key: FenceKey }
  /** A person decided, or it is left out: no fence is made for any of its pods. */
  | { readonly what: "settled" }
  | { readonly what: "unknown" }
  | { readonly what: "nothing" };

/**
 * The automatic fences that should exist: one for each workload for which some Service asks, or for
 * each value of the label of pods, none where a person made one. With two fences, each would have a
 * Sidecar for the same pods, and Istio uses the older one. So where one selector has all the labels
 * of another and more, the wider selector counts for both: its fence selects the pods of either.
 */
export function wantedFences(input: WantedFencesInput): WantedFences {
  const { snapshot, config } = input;
  if (config.automaticFences.create === "Off") return NOTHING;
  const people = ownership(input);
  const isIn = scopeOf(input);
  const judge = judgeOf(input, people, isIn);
  const judged = workloads(snapshot.services, config).map((workload) => ({ ...workload, verdict: judge(workload) }));
  const byNamespace = Map.groupBy(judged, (each) => each.namespace);
  const inhabited = new Set([...byNamespace.keys(), ...podValuesOf(snapshot).keys()]);
  const parts = [...inhabited].flatMap((namespace) => {
    const [all, taken] = [byNamespace.get(namespace) ?? [], people.selectors.get(namespace) ?? []];
    return [wantedOf(all, taken), wantedOfPods(input, { namespace, all, taken, isIn: isIn(namespace), names: people.taken })];
  });
  return {
    fences: parts.flatMap(({ fences }) => fences).sort(byName),
    undecided: [...parts.flatMap(({ undecided }) => undecided), ...unknownForPods(snapshot)].sort(byName),
  };
}

/** Fences for pods stay as they are while the pods are not known. */
function unknownForPods({ podValues, fences }: WantedFencesInput["snapshot"]): readonly FenceKey[] {
  if (podValues !== "unknown") return [];
  return fences.filter(({ spec }) => !spec.workloadSelector.fromService).map(fenceKeyOf);
}

function podValuesOf({ podValues }: WantedFencesInput["snapshot"]): ReadonlyMap<string, readonly PodValue[]> {
  return podValues === undefined || podValues === "unknown" ? new Map() : podValues;
}

/** What is known of one namespace. */
interface NamespaceSeen {
  readonly namespace: string;
  readonly all: readonly Judged[];
  /** Selectors of people's fences. */
  readonly taken: readonly Labels[];
  /** Names of people's fences. */
  readonly names: ReadonlySet<string>;
  readonly isIn: boolean | undefined;
}

/** The same for the pods of one namespace, whatever Services select them. */
function wantedOfPods({ snapshot, config }: WantedFencesInput, { namespace, all, taken, names, isIn }: NamespaceSeen): WantedFences {
  const values = podValuesOf(snapshot).get(namespace) ?? [];
  if (values.length === 0 || systemNamespaces(config).has(namespace)) return NOTHING;
  const settled = new LabelSelectors([...taken, ...selectorsOf(all, ["fenced", "settled"])]);
  const unknown = new LabelSelectors(selectorsOf(all, ["unknown"]));
  const known = snapshot.namespaces.find(({ metadata }) => metadata.name === namespace);
  const asked = known === undefined ? "unknown" : askedFenced(known.metadata);
  const { podLabel } = config.automaticFences;
  const { fences, undecided } = wantedForPods({ namespace, podLabel, values, settled, unknown, isIn, asked });
  return { fences: fences.filter((fence) => !names.has(formatFenceKey(fence))), undecided };
}

interface Judged extends Workload {
  readonly verdict: Verdict;
}

/**
 * The same for one namespace.
 *
 * @param taken selectors of people's fences
 */
function wantedOf(all: readonly Judged[], taken: readonly Labels[]): WantedFences {
  const settled = new LabelSelectors([...taken, ...selectorsOf(all, ["fenced", "settled"])]);
  const unknown = new LabelSelectors(selectorsOf(all, ["unknown"]));
  const open = all.filter(({ selector }) => !settled.takePartOf(selector));
  const isUndecided = ({ verdict: { what }, selector }: Judged) =>
    what === "unknown" || (what === "fenced" && unknown.takePartOf(selector));
  return {
    fences: open.flatMap((each) => (each.verdict.what === "fenced" && !isUndecided(each) ? each.verdict.key : [])),
    undecided: open.filter(isUndecided).flatMap(({ services }) => services.map(fenceKeyOf)),
  };
}

function selectorsOf(workloads: readonly Judged[], what: readonly Verdict["what"][]): Labels[] {
  return workloads.filter(({ verdict }) => what.includes(verdict.what)).map(({ selector }) => selector);
}

/** Whether fences are made in a namespace; undefined when that is not known. */
type InScope = (namespace: string) => boolean | undefined;

function scopeOf({ snapshot, config, discovery = [] }: WantedFencesInput): InScope {
  const { revisions, automaticFences } = config;
  const scope = { namespaces: automaticFences.namespaces, revisions, discovery };
  const known = new Map(snapshot.namespaces.map(({ metadata }) => [metadata.name, metadata.labels]));
  const answers = new Map<string, boolean | undefined>();
  return (name) => {
    if (!answers.has(name)) answers.set(name, isInScope(scope, name, known.get(name)));
    return answers.get(name);
  };
}

function judgeOf(
  { snapshot, config }: WantedFencesInput,
  { automatic, taken }: Ownership,
  inScope: InScope,
): (workload: Workload) => Verdict {
  const { create } = config.automaticFences;
  const known = new Map(snapshot.namespaces.map(({ metadata }) => [metadata.name, metadata]));
  return ({ namespace, id, services }) => {
    if (taken.has(id) || services.some(({ metadata }) => taken.has(formatFenceKey(metadata)))) return { what: "nothing" };
    const isIn = inScope(namespace);
    if (isIn === false) return { what: "nothing" };
    if (services.some(({ metadata }) => askedFenced(metadata) === false)) return { what: "settled" };
    const asking = isIn && servicesAsking(services, known.get(namespace), create === "All");
    if (asking === undefined) return { what: "unknown" };
    // The existing fence keeps what it has learned, even if another Service of the workload asks
    // now.
    const [first] = asking;
    const named = services.find(({ metadata }) => automatic.has(formatFenceKey(metadata))) ?? first;
    return first === undefined || named === undefined ? { what: "nothing" } : { what: "fenced", key: fenceKeyOf(named) };
  };
}

/** Names of automatic fences; and the names, workloads and selectors that people's fences have. */
interface Ownership {
  readonly automatic: ReadonlySet<string>;
  readonly taken: ReadonlySet<string>;
  /** By namespace. */
  readonly selectors: ReadonlyMap<string, readonly Labels[]>;
}

/** A fence that another Fenceline made for its revision counts as a person's. */
function ownership({ snapshot: { fences }, config: { revisions }, workloadOf }: WantedFencesInput): Ownership {
  const automatic = new Set<string>();
  const taken = new Set<string>();
  const selectors = new Map<string, Labels[]>();
  for (const fence of fences) {
    const { metadata } = fence;
    const isOurs = isAutomatic(metadata.labels) && isManaged(revisions, metadata.labels);
    const workload = isOurs ? undefined : workloadOf(fence);
    (isOurs ? automatic : taken).add(formatFenceKey(metadata));
    if (workload === undefined) continue;
    taken.add(workloadId(metadata.namespace, workload));
    const others = selectors.get(metadata.namespace);
    if (others === undefined) selectors.set(metadata.namespace, [workload]);
    else others.push(workload);
  }
  return { automatic, taken, selectors };
}

/**
 * The Services of a workload that ask for a fence; undefined when that is not known. The label of
 * each Service decides, else that of its Namespace, else the configuration. If one Service
 * declines, that counts for the pods, and so for all Services of the workload.
 *
 * @param namespace undefined when it is not known: its label may have any value
 */
function servicesAsking(
  services: readonly Service[],
  namespace: Namespace["metadata"] | undefined,
  byDefault: boolean,
): readonly Service[] | undefined {
  const asking = services.filter(({ metadata }) => askedFenced(metadata) === true);
  if (namespace === undefined) return asking.length > 0 ? asking : undefined;
  return (askedFenced(namespace) ?? byDefault) ? services : asking;
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
    const { metadata, spec } = group[0] as Service;
    return { namespace: metadata.namespace, id, selector: spec.selector, services: sorted };
  });
}

/** No name has a `{`, so the id of a workload never equals a name. */
function workloadId(namespace: string, selector: Labels): string {
  const labels = Object.keys(selector)
    .sort()
    .map((label) => [label, selector[label]]);
  return `${namespace}{${JSON.stringify(labels)}`;
}

function byName(one: FenceKey, other: FenceKey): number {
  return compareText(formatFenceKey(one), formatFenceKey(other));
}
