import {
  type AnyObject,
  type Config,
  ENDPOINT_SLICE,
  type FenceKey,
  type Kind,
  NAMESPACE,
  type OwnKind,
  type ReadKind,
  SERVICE,
} from "@fenceline/api";
import type { Runs } from "@fenceline/control";
import type { MeshSnapshot } from "@fenceline/store";
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
 */
export function contextOfManifests(objects: readonly AnyObject[], config: Config, now: number): KindContext {
  const snapshot = snapshotOf(objects);
  const mesh = new Mesh(snapshot, config);
  const [metrics, logger] = [new CollectorMetrics(), pino({ level: "silent" })];
  const objectOf = <O>(kind: OwnKind<O>, { namespace, name }: FenceKey) =>
    (snapshot.of(kind) as readonly (O & AnyObject)[]).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return {
    ...{ config, metrics, logger },
    store: { snapshot: () => snapshot, objectOf, ownedBy: () => [], foreign: () => [] },
    mesh: () => mesh,
    runs: NO_RUNS,
    telemetry: new FenceTelemetry({ metrics, logger }),
    now: () => now,
    leads: () => true,
    fallbackReady: () => true,
  };
}

/** A mesh that has these objects and no others. */
export function snapshotOf(objects: readonly AnyObject[]): MeshSnapshot {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  const of = <O>({ name }: Kind & Pick<ReadKind<O>, "schema">) => (byKind.get(name) ?? []) as readonly unknown[] as readonly O[];
  return { namespaces: of(NAMESPACE), services: of(SERVICE), endpointSlices: of(ENDPOINT_SLICE), of };
}
