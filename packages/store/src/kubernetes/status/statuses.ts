import {
  applyMergePatch,
  mergePatch,
  type ObjectChange,
  type ObjectRef,
  type OwnKind,
  type OwnObject,
  objectOf,
  refOf,
  refText,
} from "@fenceline/api";
import type { Clock, KubernetesApi, Leadership, ObjectEvent } from "@fenceline/kubernetes";
import type { StatusPlace } from "../observed-own-kind.ts";
import { ExpectedStatuses } from "./expected-statuses.ts";
import { sendStatusPatch } from "./status-writer.ts";

/** Settings of {@link Statuses}. */
export interface StatusesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
}

/** A status, and the uid of its object. */
interface KnownStatus {
  readonly uid: string | undefined;
  readonly status: unknown;
}

/**
 * Writes the statuses of kinds of ours. Where every replica writes, statuses are merged as the kind
 * says, and this remembers what the merge needs. Where the kind has no merge, the leader alone
 * writes them.
 */
export class Statuses {
  readonly #options: StatusesOptions;
  readonly #expected = new ExpectedStatuses();
  /** The status that the writer was last told, by object. */
  readonly #told = new Map<string, KnownStatus>();
  /** The status that was last written here, by object. */
  readonly #written = new Map<string, KnownStatus>();

  constructor(options: StatusesOptions) {
    this.#options = options;
  }

  /**
   * Records that the writer was told of these objects, and of what other replicas wrote into them.
   */
  told({ mergeStatus }: OwnKind, changes: readonly ObjectChange<OwnObject>[]): void {
    if (mergeStatus === undefined) return;
    for (const change of changes) {
      const object = objectOf(change);
      if (object === undefined) continue;
      const id = refText(refOf(object.kind, object));
      if (change.after === undefined) this.#told.delete(id);
      else this.#told.set(id, { uid: object.metadata.uid, status: object.status });
    }
  }

  /**
   * Writes the desired status, as far as this process may, and passes the result to the informer.
   *
   * @throws {ApiError}
   */
  async write(kind: OwnKind, desired: object, { object, resource, informer }: StatusPlace): Promise<void> {
    const { api, clock } = this.#options;
    const { uid } = object.metadata;
    const patch = this.#patch(kind, desired, object);
    if (patch !== undefined) {
      const expected = asSent(applyMergePatch(object.status, patch));
      await this.#expected.during(object, expected, async () =>
        informer.absorb(await sendStatusPatch({ api, clock, resource, key: object.metadata, uid, patch })),
      );
    }
    if (kind.mergeStatus !== undefined) this.#written.set(refText(refOf(object.kind, object)), { uid, status: desired });
  }

  /** An object is gone, and its status with it. */
  forget(of: ObjectRef): void {
    this.#written.delete(refText(of));
  }

  /** See {@link ExpectedStatuses.isEcho}. */
  isEcho(event: ObjectEvent<OwnObject>): boolean {
    return this.#expected.isEcho(event);
  }

  #patch(kind: OwnKind, desired: object, object: OwnObject): object | undefined {
    const leads = this.#options.leadership.mayWrite();
    const live = object.status;
    if (kind.mergeStatus !== undefined) return kind.mergeStatus({ desired, known: this.#known(object), live, leads, now: Date.now() });
    return leads ? (mergePatch(live, asSent(desired)) as object | undefined) : undefined;
  }

  /** What the writer knows of a status: what it was told last, and what it wrote since. */
  #known(object: OwnObject): readonly unknown[] {
    const id = refText(refOf(object.kind, object));
    const known = [this.#told.get(id), this.#written.get(id)].filter((each) => each !== undefined);
    return known.filter(({ uid }) => uid === object.metadata.uid).map(({ status }) => status);
  }
}

/** As the API server will have it: without undefined fields. */
function asSent(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status));
}
