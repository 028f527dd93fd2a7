import { isDeepStrictEqual } from "node:util";
import type { OwnObject } from "@fenceline/api";
import { type Clock, type KubernetesApi, keyText, type Leadership, mergePatch, type ObjectEvent } from "@fenceline/kubernetes";
import type { OwnPlace } from "../observed-own-kind.ts";
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
  /** What writes under way make of statuses, by kind and object. */
  readonly #expected = new Map<string, unknown>();

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
    const { namespace, name } = object.metadata;
    const id = idOf(object);
    // Set before the request is sent: the event may come before the answer.
    this.#expected.set(id, status);
    try {
      informer.absorb(await sendStatusPatch({ api, clock, resource, key: { namespace, name }, patch: patch as object }));
    } finally {
      this.#expected.delete(id);
    }
  }

  /** Whether an event brings nothing but the status that a write under way makes. */
  isEcho(event: ObjectEvent<OwnObject>): boolean {
    if (event.type !== "modified" || this.#expected.size === 0) return false;
    const { status, ...object } = event.object;
    const { status: _, ...previous } = event.previous;
    return isDeepStrictEqual(status, this.#expected.get(idOf(event.object))) && isDeepStrictEqual(object, previous);
  }
}

function idOf({ kind, metadata }: OwnObject): string {
  return `${kind} ${keyText(metadata)}`;
}
