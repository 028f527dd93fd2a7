import { MANAGER, type Service, type ServicePort } from "@fenceline/api";
import { type Informer, objectPath } from "@fenceline/kubernetes";
import type { ServiceKey, ServicePortsAuthor } from "../capabilities.ts";
import type { LeaderWrites } from "./apply/leader-writes.ts";
import { SERVICES } from "./resources.ts";

/** What is needed of a Service as the API server has it. */
interface LiveService {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly managedFields?: readonly ManagedFields[];
  };
  readonly spec: { readonly ports?: readonly ServicePort[] };
}

/**
 * One entry of `metadata.managedFields`.
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: { readonly "f:spec"?: { readonly "f:ports"?: object } };
}

/**
 * Adds ports to Services by server-side apply, so that we own them, and a `helm upgrade` keeps
 * them. There, ports are a map with number and protocol as key, so we own only our ports.
 *
 * An apply names everything that a manager wants: the API server removes our former ports that it
 * does not name. So each apply names them too, as they are now. It is not forced, since it changes
 * no port of others. It is for the version that was read, or a port might be added in between.
 */
export class AppliedServicePorts implements ServicePortsAuthor {
  readonly #writes: LeaderWrites;
  readonly #services: Pick<Informer<Service>, "absorb">;

  /** @param services the informer; each write is passed to it at once */
  constructor(writes: LeaderWrites, services: Pick<Informer<Service>, "absorb">) {
    this.#writes = writes;
    this.#services = services;
  }

  /**
   * @throws {FencelineError} `NOT_LEADER`, or the {@link ApiError} of the API server, as when there
   * is no such Service
   */
  async add(key: ServiceKey, ports: readonly ServicePort[], givenUp: readonly number[] = []): Promise<boolean> {
    const path = objectPath(SERVICES, key);
    const { lacked, service } = await this.#writes.retrying(async () => {
      const live = (await this.#writes.send({ method: "GET", path })) as LiveService;
      const wanted = portsToApply(live, ports, givenUp);
      if (wanted === undefined) return { lacked: false, service: live };
      const { uid, resourceVersion } = live.metadata;
      const { apiVersion, kind } = SERVICES;
      // A version does not keep apply from making an object that is gone; the uid does.
      const body = { apiVersion, kind, metadata: { ...key, uid, resourceVersion }, spec: { ports: wanted } };
      const request = {
        method: "PATCH",
        path,
        body,
        query: { fieldManager: MANAGER },
        contentType: "application/apply-patch+yaml",
      } as const;
      return { lacked: true, service: await this.#writes.send(request) };
    });
    this.#services.absorb(service);
    return lacked;
  }
}

/**
 * Our former ports without those to remove, and the ports that the Service lacks; undefined when
 * that changes nothing.
 */
function portsToApply(
  { metadata, spec: { ports: present = [] } }: LiveService,
  ports: readonly ServicePort[],
  givenUp: readonly number[],
): unknown {
  const keys = new Set(present.map(listKey));
  const lacking = ports.filter((port) => !keys.has(listKey(port)));
  const owned = new Set(
    (metadata.managedFields ?? []).filter(isOurApply).flatMap(({ fieldsV1 }) => Object.keys(fieldsV1?.["f:spec"]?.["f:ports"] ?? {})),
  );
  const ours = present.filter((port) => owned.has(listKey(port)));
  const kept = ours.filter(({ port, protocol }) => protocol !== "TCP" || !givenUp.includes(port));
  if (lacking.length === 0 && kept.length === ours.length) return undefined;
  return [...kept, ...lacking].map(({ name, port, protocol, targetPort }) => ({
    name,
    port,
    protocol,
    targetPort,
  }));
}

function isOurApply({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === MANAGER && operation === "Apply" && subresource === undefined;
}

/** How `managedFields` names a port: the keys of its list, as JSON in alphabetical order. */
function listKey({ port, protocol }: ServicePort): string {
  return `k:${JSON.stringify({ port, protocol })}`;
}
