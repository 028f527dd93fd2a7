import { compareText, type FenceKey, fenceKeyOf, formatFenceKey, type Labels, SelectorIndex, type ServiceFence } from "@fenceline/api";
import { selectorFault } from "@fenceline/render/reach";
import { fenceInForce } from "./fence/fence-in-force.ts";

/** A fence, and the labels of the pods that it selects. */
export interface FenceOfPods {
  readonly fence: ServiceFence;
  readonly labels: Labels;
}

interface Entry {
  readonly key: FenceKey;
  readonly fence: ServiceFence;
  /** Labels of the pods that it selects; undefined where it selects none. */
  readonly labels: readonly (readonly [name: string, value: string])[] | undefined;
  /** The same, to find which fences are for the same pods. */
  readonly ofPods: FenceOfPods | undefined;
}

/** The fences of one namespace. */
interface NamespaceFences {
  readonly entries: Map<string, Entry>;
  readonly byLabels: SelectorIndex<FenceOfPods>;
  /** Those that select no pods, by name. */
  readonly withoutPods: Map<string, ServiceFence>;
  /** By name; made since a fence came or went. */
  names: readonly string[] | undefined;
}

/** The fences, and which pods each selects. A change costs a look at the fence that changed. */
export class FenceTable {
  readonly #labelsOf: (fence: ServiceFence) => Labels | undefined;
  readonly #namespaces = new Map<string, NamespaceFences>();
  #ordered: readonly ServiceFence[] | undefined;
  #version = 0;

  /** @param labelsOf current labels of the pods that a fence selects */
  constructor(labelsOf: (fence: ServiceFence) => Labels | undefined) {
    this.#labelsOf = labelsOf;
  }

  /** A number that changes whenever a pod may belong to another fence than before. */
  get version(): number {
    return this.#version;
  }

  /** By namespace and name. */
  list(): readonly ServiceFence[] {
    this.#ordered ??= [...this.#namespaces.values()]
      .flatMap(({ entries }) => [...entries.values()])
      .map(({ key, fence }) => [formatFenceKey(key), fence] as const)
      .sort(([a], [b]) => compareText(a, b))
      .map(([, fence]) => fence);
    return this.#ordered;
  }

  /** The fences of a namespace, in any order. */
  inNamespace(namespace: string): readonly ServiceFence[] {
    return [...(this.#namespaces.get(namespace)?.entries.values() ?? [])].map(({ fence }) => fence);
  }

  /** The fences of a namespace that may be for pods with these labels, in any order. */
  besides(namespace: string, labels: Labels): readonly FenceOfPods[] {
    return this.#namespaces.get(namespace)?.byLabels.besides(labels) ?? [];
  }

  /** The fences of a namespace that select no pods. */
  withoutPods(namespace: string): Iterable<ServiceFence> {
    return this.#namespaces.get(namespace)?.withoutPods.values() ?? [];
  }

  /**
   * Labels of the pods that a fence is for; undefined if it selects none. With a selector that
   * names no workload it is for those of the former one, for which it is rendered.
   */
  labels({ namespace, name }: FenceKey): Labels | undefined {
    return this.#namespaces.get(namespace)?.entries.get(name)?.ofPods?.labels;
  }

  get({ namespace, name }: FenceKey): ServiceFence | undefined {
    return this.#namespaces.get(namespace)?.entries.get(name)?.fence;
  }

  changed(before: ServiceFence | undefined, after: ServiceFence | undefined): void {
    this.#ordered = undefined;
    if (after !== undefined) this.#put(after);
    else if (before !== undefined) this.#delete(fenceKeyOf(before));
  }

  /** A fence may select the pods of the Service with its name. */
  serviceChanged(service: FenceKey): void {
    const fence = this.get(service);
    if (fence !== undefined) this.#put(fence);
  }

  /** The first by name of the fences whose selectors match a pod with these labels. */
  ofPod(namespace: string, labels: Labels): FenceKey | undefined {
    return this.#takers(namespace, labels).next().value;
  }

  /** All fences whose selectors match a pod with these labels, by name. */
  allOfPod(namespace: string, labels: Labels): readonly FenceKey[] {
    return [...this.#takers(namespace, labels)];
  }

  /**
   * The fences that select every pod of this one, including itself, by name; none if it selects
   * none.
   */
  over({ namespace, name }: FenceKey): readonly FenceKey[] {
    const labels = this.#namespaces.get(namespace)?.entries.get(name)?.labels;
    return labels === undefined ? [] : this.allOfPod(namespace, Object.fromEntries(labels));
  }

  /** Whether a fence's selector matches a pod with these labels. */
  selects({ namespace: home, name }: FenceKey, namespace: string, labels: Labels): boolean {
    return home === namespace && takes(this.#namespaces.get(namespace)?.entries.get(name), labels);
  }

  *#takers(namespace: string, labels: Labels): Generator<FenceKey, undefined> {
    const fences = this.#namespaces.get(namespace);
    if (fences === undefined) return;
    fences.names ??= [...fences.entries.keys()].sort();
    for (const name of fences.names) {
      const entry = fences.entries.get(name);
      if (entry !== undefined && takes(entry, labels)) yield entry.key;
    }
  }

  #put(written: ServiceFence): void {
    const key = fenceKeyOf(written);
    const fences = this.#namespaces.get(key.namespace) ?? {
      entries: new Map<string, Entry>(),
      byLabels: new SelectorIndex<FenceOfPods>(),
      withoutPods: new Map<string, ServiceFence>(),
      names: undefined,
    };
    this.#namespaces.set(key.namespace, fences);
    const known = fences.entries.get(key.name);
    const fence = fenceInForce(written, known?.fence);
    const found = this.#inForce(fence, known);
    const labels = found && Object.entries(found);
    if (known === undefined) fences.names = undefined;
    if (known === undefined || !isSame(known.labels, labels)) this.#version += 1;
    const ofPods = found && { fence, labels: found };
    if (known?.ofPods !== undefined) fences.byLabels.delete(key.name, known.ofPods);
    if (ofPods !== undefined) fences.byLabels.add(key.name, ofPods);
    if (ofPods === undefined) fences.withoutPods.set(key.name, fence);
    else fences.withoutPods.delete(key.name);
    fences.entries.set(key.name, { key: known?.key ?? key, fence, labels, ofPods });
  }

  #inForce(fence: ServiceFence, known: Entry | undefined): Labels | undefined {
    const labels = this.#labelsOf(fence);
    if (labels === undefined || selectorFault(labels) === undefined) return labels;
    return known?.fence.metadata.uid === fence.metadata.uid ? known?.ofPods?.labels : undefined;
  }

  #delete({ namespace, name }: FenceKey): void {
    const fences = this.#namespaces.get(namespace);
    const known = fences?.entries.get(name);
    if (fences === undefined || known === undefined) return;
    fences.entries.delete(name);
    fences.withoutPods.delete(name);
    if (known.ofPods !== undefined) fences.byLabels.delete(name, known.ofPods);
    fences.names = undefined;
    this.#version += 1;
    if (fences.entries.size === 0) this.#namespaces.delete(namespace);
  }
}

function takes(entry: Entry | undefined, labels: Labels): boolean {
  return entry?.labels?.every(([name, value]) => labels[name] === value) ?? false;
}

function isSame(one: Entry["labels"], other: Entry["labels"]): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every(([name, value], at) => name === other[at]?.[0] && value === other[at]?.[1]);
}
