import type { Labels, ObjectChange, ServiceEntry, SmartLimiter } from "@fenceline/api";
import { ObjectsByTopic } from "./objects-by-topic.ts";

/** Slime gives a label without a value this one. */
const BLANK = "default";

/** ServiceEntries by their hosts, so that a limiter with a `host` finds its own. */
export class HostEntries {
  readonly #entries = new ObjectsByTopic<ServiceEntry>(({ metadata: { namespace }, spec: { hosts } }) => [
    ...new Set(hosts.map((host) => entryTopic(namespace, host))),
  ]);
  readonly #labelKeys: readonly string[];

  /** @param labelKeys labels of a ServiceEntry that its pods have, where it has no selector */
  constructor(labelKeys: readonly string[]) {
    this.#labelKeys = labelKeys;
  }

  changed(change: ObjectChange<ServiceEntry>): void {
    this.#entries.changed(change);
  }

  /** Topics of limiters that a change of a ServiceEntry affects. */
  topicsOf(change: ObjectChange<ServiceEntry>): ReadonlySet<string> {
    return this.#entries.topicsOf(change);
  }

  /** Labels of the pods behind the host of a limiter, or why they are not known. */
  labelsOf(limiter: SmartLimiter): Labels | string {
    const { host = "" } = limiter.spec;
    const [topic = ""] = entryTopicsOf(limiter);
    const [entry] = this.#entries.of(topic);
    if (entry === undefined) return `no ServiceEntry of the namespace has the host ${host}: write one, or spec.workloadSelector`;
    const { labels: selected = {} } = entry.spec.workloadSelector ?? {};
    if (Object.keys(selected).length > 0) return withoutBlanks(selected);
    const own = Object.entries(entry.metadata.labels).filter(([key]) => this.#labelKeys.includes(key));
    if (own.length > 0) return withoutBlanks(Object.fromEntries(own));
    return `ServiceEntry ${entry.metadata.name} has neither a workloadSelector nor a label ${this.#labelKeys.join(", ")} (limiters.serviceEntryLabels)`;
  }
}

/** What a limiter reads of ServiceEntries. */
export function entryTopicsOf({ metadata: { namespace }, spec: { host } }: SmartLimiter): readonly string[] {
  return host === undefined || host === "" ? [] : [entryTopic(namespace, host)];
}

function entryTopic(namespace: string, host: string): string {
  return `entry ${namespace}/${host.toLowerCase()}`;
}

function withoutBlanks(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, value === "" ? BLANK : value]));
}
