import { compareText, type Labels, type ObjectChange, objectOf, type Pod } from "@fenceline/api";

/** Pods of a namespace that have a label with the same value. */
export interface PodValue {
  readonly value: string;
  /** The labels of its pods. Those that several have stand here once. */
  readonly pods: readonly Labels[];
}

/** Pods of a namespace with the same labels. */
interface Alike {
  readonly labels: Labels;
  readonly text: string;
  count: number;
}

/**
 * Which labels the pods of each namespace have. A Deployment has many pods with the same labels:
 * only the first and the last of them say anything new.
 */
export class PodValues {
  readonly #key: string;
  /** By namespace, and then by the labels as a text. */
  readonly #alike = new Map<string, Map<string, Alike>>();
  /** By namespace and name of a pod. */
  readonly #ofPod = new Map<string, Alike>();

  /** @param key of the label whose values count */
  constructor(key: string, pods: readonly Pod[]) {
    this.#key = key;
    for (const pod of pods) this.#put(pod, pod.metadata.labels);
  }

  /** Takes over changes. Returns the namespaces in which labels came or went. */
  apply(changes: readonly ObjectChange<Pod>[]): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const change of changes) {
      const pod = objectOf(change);
      if (pod !== undefined && this.#put(pod, change.after?.metadata.labels)) touched.add(pod.metadata.namespace);
    }
    return touched;
  }

  namespaces(): Iterable<string> {
    return this.#alike.keys();
  }

  /** By value. A pod without the label, or with an empty one, has none. */
  in(namespace: string): readonly PodValue[] {
    const labels = [...(this.#alike.get(namespace)?.values() ?? [])].map((each) => each.labels);
    const byValue = Map.groupBy(labels, (each) => each[this.#key] ?? "");
    byValue.delete("");
    return [...byValue].map(([value, pods]) => ({ value, pods })).sort((one, other) => compareText(one.value, other.value));
  }

  /**
   * @param labels undefined when the pod is gone
   * @returns whether there are other labels than before in its namespace
   */
  #put({ metadata: { namespace, name } }: Pod, labels: Labels | undefined): boolean {
    const id = `${namespace}/${name}`;
    const before = this.#ofPod.get(id);
    const text = labels && textOf(labels);
    if (before?.text === text) return false;
    const isLast = before !== undefined && this.#leave(namespace, before);
    if (labels === undefined || text === undefined) {
      this.#ofPod.delete(id);
      return isLast;
    }
    const ofNamespace = this.#alike.get(namespace) ?? new Map<string, Alike>();
    this.#alike.set(namespace, ofNamespace);
    const alike = ofNamespace.get(text) ?? { labels, text, count: 0 };
    ofNamespace.set(text, alike);
    this.#ofPod.set(id, alike);
    alike.count += 1;
    return isLast || alike.count === 1;
  }

  /** @returns whether no pod with these labels is left */
  #leave(namespace: string, alike: Alike): boolean {
    alike.count -= 1;
    if (alike.count > 0) return false;
    const ofNamespace = this.#alike.get(namespace);
    ofNamespace?.delete(alike.text);
    if (ofNamespace?.size === 0) this.#alike.delete(namespace);
    return true;
  }
}

function textOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => compareText(one, other)));
}
