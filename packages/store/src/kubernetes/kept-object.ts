import type { Labels, Repeats } from "@fenceline/api";
import type { LiveObject } from "./apply/live-object.ts";

/**
 * Most texts and values in the table. When it is full it is emptied, and only the objects that use
 * them hold them: a mesh of 10,000 Services has some 30,000.
 */
const MOST_KNOWN = 100_000;

/** {@link KeptObjects.withLists} looks at lists of this length, under so many objects. */
const SHORT_LIST = 8;
const LIST_LEVELS = 3;

/**
 * Keeps repeated values once: names of namespaces and Services, values of labels, whole lists of
 * ports. A parsed answer of the API server has a copy for each occurrence.
 */
export class KeptObjects implements Repeats {
  readonly #known = new Map<string, unknown>();

  text(text: string): string {
    return this.#once(text, text);
  }

  labels(labels: Labels): Labels {
    return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, this.text(value)]));
  }

  /** @param value as JSON has it; nobody changes it */
  value<T extends object>(value: T): T {
    // No name or label begins with a line break.
    return this.#once(`\n${JSON.stringify(value)}`, value);
  }

  /** Thousands of Sidecars name the same hosts. */
  live(live: LiveObject): LiveObject {
    const { namespace, labels, spec } = live;
    return { ...live, namespace: this.text(namespace), labels: this.value(labels), spec: this.#withHosts(spec) };
  }

  /**
   * Keeps short lists of plain values once: thousands of statuses name the same hosts and ports.
   *
   * @param value just parsed: it is changed in place
   */
  withLists(value: unknown, levels = LIST_LEVELS): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.length <= SHORT_LIST && value.every(isPlain) ? this.value(value) : value;
    const fields = value as Record<string, unknown>;
    for (const name of levels > 0 ? Object.keys(fields) : []) {
      const kept = this.withLists(fields[name], levels - 1);
      if (kept !== fields[name]) fields[name] = kept;
    }
    return value;
  }

  #withHosts(spec: unknown): unknown {
    const { egress } = (spec ?? {}) as { readonly egress?: unknown };
    if (!Array.isArray(egress)) return spec;
    const shared = egress.map((listener: { readonly hosts?: unknown } | null) =>
      Array.isArray(listener?.hosts) ? { ...listener, hosts: listener.hosts.map((host: unknown) => this.#hostText(host)) } : listener,
    );
    return { ...(spec as object), egress: shared };
  }

  #hostText(host: unknown): unknown {
    return typeof host === "string" ? this.text(host) : host;
  }

  #once<T>(key: string, value: T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}
