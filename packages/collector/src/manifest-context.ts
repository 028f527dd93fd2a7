import { type AnyObject, type Config, objectsByKind, type ReadKind } from "@fenceline/api";
import type { Runs } from "@fenceline/control";
import { pino } from "pino";
import { FenceTelemetry } from "./fence-telemetry.ts";
import type { KindContext } from "./kind-context.ts";
import { Mesh } from "./mesh.ts";
import { CollectorMetrics } from "./metrics.ts";

/** No run happens by itself, and there is no obstacle. */
const NO_RUNS: Runs = { enqueue: () => {}, enqueueStatus: () => {}, obstacles: () => [] };

/**
 * What kinds are made from where there are only manifests: the view of a leader that has rendered
 * nothing yet, in a mesh where nobody else has rendered objects and the fallback is ready.
 *
 * @param now milliseconds of the wall clock, for deadlines
 * @param givenValues used instead of measured ones. Default: none are known
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
