import type { Footprint } from "./mesh-inventory.ts";

/** What an Envoy allocates for its configuration, in bytes. */
export interface BytesModel {
  /** Including its route, where it is HTTP. */
  readonly perCluster: number;
  readonly perEndpoint: number;
  /** Without the cluster behind it. */
  readonly perListener: number;
  /** The largest relative error of the model, either way, where it was fitted. */
  readonly error: number;
}

/**
 * Fitted in the lab to Services of five shapes, with Envoy 1.40.0 and Istio of 2026-08. `npm run
 * e2e -- envoy-bytes` measures them again, and checks the error of the model.
 */
export const ENVOY_BYTES: BytesModel = { perCluster: 64_000, perEndpoint: 2_700, perListener: 8_000, error: 0.05 };

/** Bytes that an Envoy allocates for these. */
export function bytesOf({ clusters, endpoints, listeners }: Footprint, model: BytesModel): number {
  return Math.round(clusters * model.perCluster + endpoints * model.perEndpoint + listeners * model.perListener);
}
