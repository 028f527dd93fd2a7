import { type Config, NODE } from "@fenceline/api";
import type { MeshAddressBook } from "@fenceline/registry";
import type { Store } from "@fenceline/store";
import type { Logger } from "pino";

/**
 * Logs that pods have addresses which no range tells. The global sidecar then takes a pod without
 * a Service for a host outside of the cluster, and forwards to any of its ports.
 *
 * Only where nodes are known: without a cluster there are no ranges.
 */
export function warnOfUnknownRanges(
  addresses: MeshAddressBook,
  { store, config, logger }: { readonly store: Store; readonly config: Config; readonly logger: Logger },
): void {
  if (config.external.mode !== "Forward" || store.snapshot().of(NODE).length === 0) return;
  const address = addresses.podOutsideRanges();
  if (address === undefined) return;
  const detail = "pods without a Service count as outside of the mesh: set config.podRanges to the ranges that pods have addresses from";
  logger.warn({ address, detail }, "ranges of pods are not known");
}
