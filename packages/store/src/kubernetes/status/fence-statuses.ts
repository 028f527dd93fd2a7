import { isDeepStrictEqual } from "node:util";
import type { FenceKey, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { Clock, KubernetesApi, Leadership } from "@fenceline/kubernetes";
import { applyMergePatch, keyText } from "@fenceline/kubernetes";
import type { FenceInformer } from "../observed-mesh.ts";
import { statusPatch } from "./status-patch.ts";
import { sendStatusPatch } from "./status-writer.ts";

/** Settings of {@link FenceStatuses}. */
export interface FenceStatusesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
}

/** A fence, and the informer that knows it. */
export interface FencePlace extends FenceInformer {
  readonly fence: ServiceFence;
}

/**
 * Writes the statuses of fences, and remembers what is needed to merge them with those of other
 * replicas.
 */
export class FenceStatuses {
  readonly #options: FenceStatusesOptions;
  /** The status that was last written here, by fence. */
  readonly #written = new Map<string, { readonly uid: string | undefined; readonly status: ServiceFenceStatus }>();
  /** What writes under way make of a fence's status, by fence. */
  readonly #expected = new Map<string, unknown>();
  /** The fences that whoever writes statuses was last told of. */
  #told: ReadonlyMap<string, ServiceFence> = new Map();

  constructor(options: FenceStatusesOptions) {
    this.#options = options;
  }

  /**
   * Takes note that the writer of statuses was told of these fences, and of what other replicas
   * wrote into them.
   */
  told(fences: readonly ServiceFence[]): void {
    this.#told = new Map(fences.map((fence) => [keyText(fence.metadata), fence]));
  }

  /**
   * Merges a status into the fence's, as {@link statusPatch} says, and lets the informer know of
   * it.
   *
   * @throws {ApiError}
   */
  async write(status: ServiceFenceStatus, { fence, resource, informer }: FencePlace): Promise<void> {
    const { api, clock, leadership } = this.#options;
    const { namespace, name, uid } = fence.metadata;
    const key: FenceKey = { namespace, name };
    const id = keyText(key);
    const base = this.#base(id, uid);
    const patch = statusPatch({ desired: status, base, live: fence.status, leads: leadership.mayWrite(), now: Date.now() });
    if (patch !== undefined) {
      // Set before the request is sent: the event may come before the answer.
      this.#expected.set(id, JSON.parse(JSON.stringify(applyMergePatch(fence.status, patch))));
      try {
        informer.absorb(await sendStatusPatch({ api, clock, resource, key, patch }));
      } finally {
        this.#expected.delete(id);
      }
    }
    this.#written.set(id, { uid, status });
  }

  forget(key: FenceKey): void {
    this.#written.delete(keyText(key));
  }

  /**
   * Whether a fence's status is what a write under way makes of it. If every status written were
   * news, each would make every fence be looked at.
   */
  isEcho({ metadata, status }: ServiceFence): boolean {
    return this.#expected.size > 0 && isDeepStrictEqual(status, this.#expected.get(keyText(metadata)));
  }

  /** What the writer knows of a fence's status: what it was told last, and what it wrote since. */
  #base(id: string, uid: string | undefined): ServiceFenceStatus | undefined {
    const told = this.#told.get(id);
    const written = this.#written.get(id);
    const statuses = [told?.metadata.uid === uid ? told?.status : undefined, written?.uid === uid ? written?.status : undefined];
    const known = statuses.filter((status) => status !== undefined);
    if (known.length === 0) return undefined;
    return { domains: Object.fromEntries(known.flatMap(({ domains }) => Object.entries(domains))) };
  }
}
