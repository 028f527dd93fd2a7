import type { Labels, Service } from "@fenceline/api";
import { compareText, hasLabels } from "@fenceline/api/vocabulary";

/** Services, found by the labels of the pods that they select. */
export class ServicesByLabel {
  /** By namespace and the first label of the selector, then by name. */
  readonly #services = new Map<string, Map<string, Service>>();

  changed(before: Service | undefined, after: Service | undefined): void {
    if (before !== undefined) this.#delete(before);
    const label = after && selectedLabel(after);
    if (after === undefined || label === undefined) return;
    const known = this.#services.get(label) ?? new Map<string, Service>();
    this.#services.set(label, known.set(after.metadata.name, after));
  }

  /** The Services of a namespace whose selector matches pods with these labels, ordered by name. */
  of(namespace: string, labels: Labels): readonly Service[] {
    return labelTexts(namespace, labels)
      .flatMap((label) => [...(this.#services.get(label)?.values() ?? [])])
      .filter(({ spec: { selector } }) => hasLabels(labels, selector))
      .sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  }

  #delete(service: Service): void {
    const label = selectedLabel(service);
    const known = label === undefined ? undefined : this.#services.get(label);
    if (label === undefined || known === undefined) return;
    known.delete(service.metadata.name);
    if (known.size === 0) this.#services.delete(label);
  }
}

/** One text for each label of pods in a namespace. */
export function labelTexts(namespace: string, labels: Labels): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${namespace} ${key}=${value}`);
}

/** The text of a label that all pods of a Service have; undefined where it selects none. */
export function selectedLabel({ metadata: { namespace }, spec: { selector } }: Service): string | undefined {
  return labelTexts(namespace, selector)[0];
}
