import type { Service } from "@fenceline/api";
import { isHeadless } from "./service-ports.ts";

/** A name under which a host may reach a Service. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  /**
   * The pod of the Service that the host names, which works only for a headless Service. Undefined
   * where the host names the Service itself.
   */
  readonly pod: string | undefined;
}

/** A Service that a host names, and which pod of it, if it names one. */
export interface NamedService {
  readonly service: Service;
  readonly pod: string | undefined;
}

/**
 * The Services that a caller in `callerNamespace` may mean by `host`, following the search path of
 * a pod's resolv.conf: `<namespace>.svc.<domain>`, `svc.<domain>`, `<domain>`, then the name as it
 * stands. The first one that exists is meant.
 *
 * @param host lower case, without trailing dot, as `parseAuthority` gives it
 */
export function serviceNames(host: string, clusterDomain: string, callerNamespace?: string): readonly ServiceName[] {
  const qualified = inCluster(host, clusterDomain)?.split(".");
  if (qualified !== undefined) return nameOf(qualified);
  const short = host.split(".");
  const local = callerNamespace === undefined ? [] : nameOf([...short, callerNamespace]);
  return [...local, ...nameOf(short)];
}

/**
 * The Service that a host means: the first of {@link serviceNames} that exists. The name of a pod
 * counts only where the Service is headless.
 *
 * @param serviceOf is called for no more names than needed, since a caller may record what was
 * asked for
 */
export function serviceNamed(
  names: readonly ServiceName[],
  serviceOf: (namespace: string, name: string) => Service | undefined,
): NamedService | undefined {
  for (const { namespace, name, pod } of names) {
    const service = serviceOf(namespace, name);
    if (service !== undefined && (pod === undefined || isHeadless(service))) return { service, pod };
  }
  return undefined;
}

/**
 * The labels before `svc`, where the host's ending shows that it is in the cluster: `b.test1.svc`,
 * `b.test1.svc.cluster.local`.
 */
function inCluster(host: string, clusterDomain: string): string | undefined {
  for (const ending of [`.svc.${clusterDomain}`, ".svc"]) {
    if (host.endsWith(ending)) return host.slice(0, -ending.length);
  }
  return undefined;
}

/** `[service, namespace]`, or `[pod, service, namespace]`. */
function nameOf(labels: readonly string[]): readonly ServiceName[] {
  const [namespace, name, pod] = labels.toReversed();
  if (name === undefined || namespace === undefined || labels.length > 3) return [];
  return [{ namespace, name, pod }];
}
