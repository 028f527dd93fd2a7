import { compareText, type DestinationRule, type ObjectChange, objectOf, type SmartLimiter } from "@fenceline/api";
import { type ServiceLookup, serviceNames } from "@fenceline/registry";

/**
 * DestinationRules by the hosts that they name, so that a limiter finds those with its subsets
 * without a look at all of them.
 */
export class SubsetRules {
  readonly #byTopic = new Map<string, readonly DestinationRule[]>();
  readonly #clusterDomain: string;

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
  }

  changed({ before, after }: ObjectChange<DestinationRule>): void {
    const { name } = objectOf({ before, after })?.metadata ?? {};
    const [had, has] = [before, after].map((rule) => new Set(rule && this.#topicsOf(rule)));
    for (const topic of new Set([...(had ?? []), ...(has ?? [])])) {
      const rules = this.#byTopic.get(topic) ?? [];
      const others = rules.filter(({ metadata }) => metadata.name !== name);
      const left = after !== undefined && has?.has(topic) === true ? [...others, after].sort(byName) : others;
      if (left.length === 0) this.#byTopic.delete(topic);
      else this.#byTopic.set(topic, left);
    }
  }

  /** Those of the limiter's host, then those of the Service with its name, each ordered by name. */
  of(limiter: SmartLimiter, registry: ServiceLookup): readonly DestinationRule[] {
    const { namespace, name } = limiter.metadata;
    const meansService = ({ spec: { host } }: DestinationRule) => {
      const service = registry.resolveHost(host, namespace)?.metadata;
      return service?.namespace === namespace && service.name === name;
    };
    const [byHost = [], byService = []] = topicsOf(limiter).map((topic) => this.#byTopic.get(topic));
    return [...byHost, ...byService.filter(meansService)];
  }

  /** Topics of limiters that a change of a DestinationRule affects. */
  topicsOf({ before, after }: ObjectChange<DestinationRule>): ReadonlySet<string> {
    return new Set([before, after].flatMap((rule) => (rule === undefined ? [] : this.#topicsOf(rule))));
  }

  /** Its host as written, and the names of Services of its namespace that it may mean. */
  #topicsOf({ metadata: { namespace }, spec: { host } }: DestinationRule): readonly string[] {
    const services = serviceNames(host, this.#clusterDomain, namespace).filter((service) => service.namespace === namespace);
    return [hostTopic(namespace, host), ...services.map(({ name }) => serviceTopic(namespace, name))];
  }
}

/** What a limiter reads of DestinationRules. */
export function topicsOf(limiter: SmartLimiter): readonly string[] {
  const { namespace, name } = limiter.metadata;
  return [hostTopic(namespace, hostText(limiter)), serviceTopic(namespace, name)];
}

/** The host whose subsets a limiter uses. */
export function hostText({ metadata, spec }: SmartLimiter): string {
  return spec.host ?? metadata.name;
}

function byName(one: DestinationRule, other: DestinationRule): number {
  return compareText(one.metadata.name, other.metadata.name);
}

function hostTopic(namespace: string, host: string): string {
  return `host ${namespace}/${host}`;
}

function serviceTopic(namespace: string, name: string): string {
  return `service ${namespace}/${name}`;
}
