import { type AnyObject, type Config, objectsByKind, type ReadKind } from "@fenceline/api";
import type { Runs } from "@fenceline/control";
import { pino } from "pino";
import { FenceTelemetry } from "./fence-telemetry.ts";
import type { KindContext } from "./kind-context.ts";
import { Mesh } from "./mesh.ts";
import { CollectorMetrics } from "./metrics.ts";

/** Nothing runs by itself, and nothing stands in the way. */
const NO_RUNS: Runs = { enqueue: () => {}, enqueueStatus: () => {}, obstacles: () => [] };

/**
 * What kinds are made from where there is nothing but manifests: as a leader has it that has
 * rendered nothing yet, where nobody else has rendered objects and the fallback is ready.
 *
 * @param now milliseconds of the wall clock, for deadlines
 * @param givenValues in place of what would be measured. Default: nothing is known
 */
export function contextOfManifests(
  objects: readonly AnyObject[],
  config: Config,
  now: number,
  givenValues?: ReadonlyMap<string, number>,
): KindContext {
  const snapshot = objectsByKind(objects);
  const mesh = new Mesh(snapshot, config);
  const [metrics, logger] = [new CollectorMetrics(), pino({ level: "silent" })];
  const objectOf = <O>(kind: ReadKind<O>, { namespace, name }: AnyObject["metadata"]) =>
    (snapshot.of(kind) as readonly (O & AnyObject)[]).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return {
    ...{ config, metrics, logger },
    store: { snapshot: () => snapshot, objectOf, ownedBy: () => [], goneOwners: () => [], foreign: () => [], unread: () => undefined },
    mesh: () => mesh,
    samples: undefined,
    givenValues,
    runs: NO_RUNS,
    telemetry: new FenceTelemetry({ metrics, logger, switchOver: config.switchOver }),
    now: () => now,
    leads: () => true,
    fallbackReady: () => true,
  };
}
