import type { OwnObject } from "@fenceline/api";
import { type Clock, type KubernetesApi, type Leadership, mergePatch, type ObjectEvent } from "@fenceline/kubernetes";
import type { OwnPlace } from "../observed-own-kind.ts";
import { ExpectedStatuses } from "./expected-statuses.ts";
import { sendStatusPatch } from "./status-writer.ts";

/** Settings of {@link OwnStatuses}. */
export interface OwnStatusesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
}

/**
 * Writes the statuses of kinds of ours whose statuses the leader alone knows. Those of fences, into
 * which every replica writes, are merged by {@link FenceStatuses}.
 */
export class OwnStatuses {
  readonly #options: OwnStatusesOptions;
  readonly #expected = new ExpectedStatuses();

  constructor(options: OwnStatusesOptions) {
    this.#options = options;
  }

  /**
   * Makes a status what is desired. One who does not lead leaves it to the leader.
   *
   * @throws {ApiError}
   */
  async write(desired: object, { object, resource, informer }: OwnPlace<OwnObject>): Promise<void> {
    const { api, clock, leadership } = this.#options;
    // As the API server will have it: without fields that are undefined.
    const status: unknown = JSON.parse(JSON.stringify(desired));
    const patch = mergePatch(object.status, status);
    if (patch === undefined || !leadership.mayWrite()) return;
    const { namespace, name, uid } = object.metadata;
    await this.#expected.during(object, status, async () =>
      informer.absorb(await sendStatusPatch({ api, clock, resource, key: { namespace, name }, uid, patch: patch as object })),
    );
  }

  /** See {@link ExpectedStatuses.isEcho}. */
  isEcho(event: ObjectEvent<OwnObject>): boolean {
    return this.#expected.isEcho(event);
  }
}
