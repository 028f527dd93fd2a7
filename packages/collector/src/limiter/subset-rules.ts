import type { DestinationRule, ObjectChange, SmartLimiter } from "@fenceline/api";
import { type ServiceLookup, serviceNames } from "@fenceline/registry";
import { ObjectsByTopic } from "./objects-by-topic.ts";

/**
 * DestinationRules by the hosts that they name, so that a limiter finds those with its subsets
 * without a look at all of them.
 */
export class SubsetRules {
  readonly #rules: ObjectsByTopic<DestinationRule>;
  readonly #clusterDomain: string;

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
    this.#rules = new ObjectsByTopic((rule) => this.#topicsOf(rule));
  }

  changed(change: ObjectChange<DestinationRule>): void {
    this.#rules.changed(change);
  }

  /** Those of the limiter's host, then those of the Service with its name, each ordered by name. */
  of(limiter: SmartLimiter, registry: ServiceLookup): readonly DestinationRule[] {
    const { namespace, name } = limiter.metadata;
    const meansService = ({ spec: { host } }: DestinationRule) => {
      const service = registry.resolveHost(host, namespace)?.metadata;
      return service?.namespace === namespace && service.name === name;
    };
    const [byHost = [], byService = []] = topicsOf(limiter).map((topic) => this.#rules.of(topic));
    return [...byHost, ...byService.filter(meansService)];
  }

  /** Topics of limiters that a change of a DestinationRule affects. */
  topicsOf(change: ObjectChange<DestinationRule>): ReadonlySet<string> {
    return this.#rules.topicsOf(change);
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

function hostTopic(namespace: string, host: string): string {
  return `host ${namespace}/${host}`;
}

function serviceTopic(namespace: string, name: string): string {
  return `service ${namespace}/${name}`;
}
