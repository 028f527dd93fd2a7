import { type FenceKey, fenceRef, formatFenceKey, SERVICE_FENCE } from "@fenceline/api";
import type { KindContext } from "../kind-context.ts";
import { FenceReconciler } from "./fence-reconciler.ts";
import { FenceStates } from "./fence-states.ts";
import { FenceTriggers } from "./fence-triggers.ts";
import { PodSearch } from "./pod-search.ts";
import { PolicySeeds } from "./policy-seeds.ts";
import { podsByStreams } from "./same-pods.ts";
import { labelsBesides } from "./workload-services.ts";

/** ServiceFence in a collector. */
export function serviceFences(context: KindContext) {
  const { telemetry, metrics, runs, config, logger } = context;
  const { book } = telemetry;
  const onTurnedAway = (key: FenceKey, host: string) => triggers.turnedAway(key, host);
  const seeds = new PolicySeeds({
    ...context,
    ...{ book, onTurnedAway },
    isOn: config.authorizationPolicies.seed,
    serviceAccountOf: (key) => telemetry.streams.serviceAccountOf(key, context.mesh().trustDomains),
    onSeeded: (key, hosts) => {
      logger.info({ fence: formatFenceKey(key), hosts }, "hosts preloaded, AuthorizationPolicies name their caller");
      runs.enqueue(fenceRef(key));
    },
  });
  const states = new FenceStates({ ...context, ...{ book, onTurnedAway }, onOpened: (fence) => seeds.opened(fence) });
  const { pods } = context.store;
  const podSearch =
    pods &&
    new PodSearch({
      find: (namespace, labels) => pods.exist(namespace, labels),
      onAnswer: (key) => runs.enqueueStatus(fenceRef(key)),
    });
  const reconciler = new FenceReconciler({
    ...context,
    podSearch,
    proxyVersions: (key) => telemetry.proxyVersions(key),
    podsOf: ({ namespace }, labels, mesh) => [
      ...podsByStreams(telemetry.streams, mesh, namespace, labels),
      ...labelsBesides(mesh, namespace, labels),
    ],
    streams: (key) => telemetry.streams.of(key),
    state: (key) => states.get(key),
    pushes: telemetry.pushes,
    obstacles: (of) => runs.obstacles(of),
    onStanding: (fence) => triggers.standingChanged(fence),
    onWaiting: (fences) => {
      for (const of of fences) runs.enqueue(of);
    },
    onGone: (key) => {
      states.forget(key);
      seeds.forget(key);
    },
    onRendered: (milliseconds) => metrics.learnToRender.observe(milliseconds / 1_000),
  });
  const triggers = new FenceTriggers({ ...context, states, reconciler, seeds, podSearch });
  telemetry.listen(seeds);
  telemetry.listen(triggers);
  return { kind: SERVICE_FENCE, reconciler, triggers };
}
