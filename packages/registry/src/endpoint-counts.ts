import type { Endpoint, EndpointSlice } from "@fenceline/api";
import { type ObjectChange, SERVICE_NAME_LABEL } from "@fenceline/api/vocabulary";

type Family = EndpointSlice["addressType"];

/**
 * How many ready endpoints each Service has. A change of a slice costs a look at its endpoints.
 *
 * An endpoint that moves from one slice to another is in both for a moment. A pod of a dual-stack
 * Service is in a slice of each address family. Each counts once.
 */
export class EndpointCounts {
  /** By Service and family: first address of an endpoint → slices in which it is ready. */
  readonly #ready = new Map<string, Map<Family, Map<string, number>>>();

  /** @param service `<namespace>/<name>` */
  add(service: string, slice: EndpointSlice): void {
    const families = this.#ready.get(service) ?? new Map<Family, Map<string, number>>();
    const ready = families.get(slice.addressType) ?? new Map<string, number>();
    for (const address of readyAddresses(slice)) ready.set(address, (ready.get(address) ?? 0) + 1);
    if (ready.size > 0) this.#ready.set(service, families.set(slice.addressType, ready));
  }

  /** Takes the slice as it was added. */
  remove(service: string, slice: EndpointSlice): void {
    const families = this.#ready.get(service);
    const ready = families?.get(slice.addressType);
    for (const address of readyAddresses(slice)) {
      const slices = ready?.get(address) ?? 0;
      if (slices > 1) ready?.set(address, slices - 1);
      else ready?.delete(address);
    }
    if (ready?.size === 0) families?.delete(slice.addressType);
    if (families?.size === 0) this.#ready.delete(service);
  }

  of(service: string): number {
    return Math.max(0, ...[...(this.#ready.get(service)?.values() ?? [])].map(({ size }) => size));
  }
}

/** The Services, by `<namespace>/<name>`, to which a slice belonged and belongs. */
export function servicesOfSlice({ before, after }: ObjectChange<EndpointSlice>): ReadonlySet<string> {
  return new Set([before, after].flatMap((slice) => (slice && serviceOf(slice)) ?? []));
}

/** Whether the ready endpoints of a slice changed, or its Service. */
export function readinessChanged({ before, after }: ObjectChange<EndpointSlice>): boolean {
  if (before === undefined || after === undefined || serviceOf(before) !== serviceOf(after)) return true;
  const [was, is] = [readyAddresses(before), readyAddresses(after)];
  return was.size !== is.size || [...was].some((address) => !is.has(address));
}

export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready !== false;
}

function readyAddresses({ endpoints }: EndpointSlice): ReadonlySet<string> {
  return new Set((endpoints ?? []).filter(isReady).flatMap(({ addresses: [first] }) => first ?? []));
}

function serviceOf({ metadata: { namespace, labels } }: EndpointSlice): string | undefined {
  const service = labels[SERVICE_NAME_LABEL];
  return service === undefined ? undefined : `${namespace}/${service}`;
}
