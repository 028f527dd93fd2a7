import { isDeepStrictEqual } from "node:util";
import {
  aboutGeneration,
  type Condition,
  groupOf,
  type OwnKind,
  type OwnObject,
  type SpecFault,
  statusOfFault,
  withTransition,
} from "@fenceline/api";
import type { Clock, KubernetesApi, Leadership, ObjectKey } from "@fenceline/kubernetes";
import { statusObstacle } from "../apply/obstacle.ts";
import type { ObservedOwnKind, OwnInformer } from "../observed-own-kind.ts";
import { sendStatusPatch } from "./status-writer.ts";

/** Settings of {@link ShadowedStatuses}. */
export interface ShadowedStatusesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
}

/**
 * Writes into objects that do not count that another group has one of the same name, which does.
 * Their former conditions are not true any more, and nobody else updates them.
 */
export class ShadowedStatuses {
  readonly #options: ShadowedStatusesOptions;

  constructor(options: ShadowedStatusesOptions) {
    this.#options = options;
  }

  /**
   * Writes conditions into each object of this name that does not count, where they differ.
   *
   * @throws {ApiError} when the API server cannot do it now
   */
  async tell(own: ObservedOwnKind<OwnObject> | undefined, key: ObjectKey): Promise<void> {
    const counts = own?.find(key);
    if (own === undefined || counts === undefined || !this.#options.leadership.mayWrite()) return;
    const by = `${own.kind.plural}.${groupOf(counts.resource.apiVersion)}`;
    for (const place of own.places) if (place.informer !== counts.informer) await this.#tellPlace(own.kind, place, key, by);
  }

  async #tellPlace(kind: OwnKind, { resource, informer, faults }: OwnInformer<OwnObject>, key: ObjectKey, by: string): Promise<void> {
    const { api, clock } = this.#options;
    const object = informer.get(key)?.value;
    const known = faults.get(key);
    const uid = known?.uid ?? object?.metadata.uid;
    if (object === undefined && known === undefined) return;
    const before = conditionsOf(known?.fault.status ?? object?.status);
    const after = known === undefined ? shadowed(kind, object, by, before) : invalid(kind, known.fault, by);
    if (isDeepStrictEqual(after, before)) return;
    try {
      informer.absorb(await sendStatusPatch({ api, clock, resource, key, uid, patch: { conditions: after } }));
    } catch (error) {
      // If we may not write this status, we may not write the one that counts either. That one
      // reports it.
      if (statusObstacle(error, { kind: kind.name, namespace: key.namespace ?? "", name: key.name }, kind) === undefined) throw error;
    }
  }
}

function conditionsOf(status: unknown): readonly Condition[] {
  return (status as { readonly conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
}

function shadowed(kind: OwnKind, object: OwnObject | undefined, by: string, before: readonly Condition[]): readonly Condition[] {
  const message = `the ${by} of the same name counts, and this one is left alone: delete one of the two`;
  const about = aboutGeneration(object?.metadata ?? {});
  return (kind.shadowedConditions ?? []).map((judgement) =>
    withTransition<string>({ ...judgement, reason: "Shadowed", message, ...about }, before, Date.now()),
  );
}

/** Its author has to know first why its spec cannot be read. */
function invalid(kind: OwnKind, fault: SpecFault, by: string): readonly Condition[] {
  const what = { ...fault, message: `${fault.message}; the ${by} of the same name counts` };
  return conditionsOf(statusOfFault(kind, { conditions: [] }, what, Date.now()));
}
