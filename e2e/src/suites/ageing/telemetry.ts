import type { RunningPod } from "../../lab/kubelet/running-pod.ts";
import type { Lab } from "../../lab/lab.ts";
import type { EnvoyAdmin } from "../../lab/pod/envoy-admin.ts";

const CLUSTER = "outbound|18081||fenceline-collector.fenceline.svc.cluster.local";

/**
 * Makes an Envoy send its access logs to one collector: while it opens its stream it knows no
 * other. A stream stays where it is, so the others may come back once it is open.
 *
 * @param begin makes the Envoy log something
 */
export async function telemetryTo(
  lab: Lab,
  collectors: readonly RunningPod[],
  chosen: RunningPod,
  envoy: EnvoyAdmin,
  begin: () => Promise<unknown>,
): Promise<void> {
  const others = collectors.filter((collector) => collector !== chosen);
  const { address } = chosen.pod;
  await Promise.all(others.map(({ pod }) => pod.setReady(false)));
  try {
    await lab.until("the other collectors to leave the Envoy", async () => {
      const known = await envoy.endpoints(CLUSTER);
      return known.size === 1 && known.has(address);
    });
    await begin();
    await lab.until("the stream to the collector", () => sendsTo(envoy, chosen));
  } finally {
    await Promise.all(others.map(({ pod }) => pod.setReady(true)));
  }
}

/** Whether the stream of an Envoy's access logs is open to this collector. */
async function sendsTo(envoy: EnvoyAdmin, { pod: { address } }: RunningPod): Promise<boolean> {
  return ((await envoy.endpoints(CLUSTER)).get(address) ?? 0) > 0;
}
