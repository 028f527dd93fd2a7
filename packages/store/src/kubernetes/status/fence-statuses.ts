import type { FenceKey, ObjectChange, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { Clock, KubernetesApi, Leadership, ObjectEvent } from "@fenceline/kubernetes";
import { applyMergePatch, keyText } from "@fenceline/kubernetes";
import type { OwnPlace } from "../observed-own-kind.ts";
import { ExpectedStatuses } from "./expected-statuses.ts";
import { statusPatch } from "./status-patch.ts";
import { sendStatusPatch } from "./status-writer.ts";

/** Settings of {@link FenceStatuses}. */
export interface FenceStatusesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
}

/**
 * Writes the statuses of fences, and remembers what is needed to merge them with those of other
 * replicas.
 */
export class FenceStatuses {
  readonly #options: FenceStatusesOptions;
  /** The status that was last written here, by fence. */
  readonly #written = new Map<string, { readonly uid: string | undefined; readonly status: ServiceFenceStatus }>();
  readonly #expected = new ExpectedStatuses();
  /** The fences that whoever writes statuses was last told of. */
  readonly #told = new Map<string, ServiceFence>();

  constructor(options: FenceStatusesOptions) {
    this.#options = options;
  }

  /**
   * Takes note that the writer of statuses was told of these fences, and of what other replicas
   * wrote into them.
   */
  told(changes: readonly ObjectChange<ServiceFence>[]): void {
    for (const { before, after } of changes) {
      if (after !== undefined) this.#told.set(keyText(after.metadata), after);
      else if (before !== undefined) this.#told.delete(keyText(before.metadata));
    }
  }

  /**
   * Merges a status into the fence's, as {@link statusPatch} says, and lets the informer know of
   * it.
   *
   * @throws {ApiError}
   */
  async write(status: ServiceFenceStatus, { object: fence, resource, informer }: OwnPlace<ServiceFence>): Promise<void> {
    const { api, clock, leadership } = this.#options;
    const { namespace, name, uid } = fence.metadata;
    const key: FenceKey = { namespace, name };
    const id = keyText(key);
    const base = this.#base(id, uid);
    const patch = statusPatch({ desired: status, base, live: fence.status, leads: leadership.mayWrite(), now: Date.now() });
    if (patch !== undefined) {
      const expected: unknown = JSON.parse(JSON.stringify(applyMergePatch(fence.status, patch)));
      await this.#expected.during(fence, expected, async () =>
        informer.absorb(await sendStatusPatch({ api, clock, resource, key, uid, patch })),
      );
    }
    this.#written.set(id, { uid, status });
  }

  forget(key: FenceKey): void {
    this.#written.delete(keyText(key));
  }

  /** See {@link ExpectedStatuses.isEcho}. */
  isEcho(event: ObjectEvent<ServiceFence>): boolean {
    return this.#expected.isEcho(event);
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
