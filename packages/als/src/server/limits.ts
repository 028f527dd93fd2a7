import { DEFAULT_HOST_LIMITS, type HostLimits } from "../host/limits.ts";

/** Bounds of an access-log server: those of its host, and of what a stream may say. */
export interface AccessLogLimits extends HostLimits {
  /**
   * Entries in one message; those beyond it are dropped. Default 2,048: a message of the largest
   * size holds as many of the smallest entries that an Envoy writes. Made-up ones have 2 bytes.
   */
  readonly maxEntries: number;
  /**
   * Milliseconds without a message after which a stream is answered with OK. Default 15 minutes.
   * Envoy opens another one when it has something to log.
   */
  readonly maxStreamIdleMs: number;
}

export const DEFAULT_LIMITS: AccessLogLimits = {
  ...DEFAULT_HOST_LIMITS,
  maxEntries: 2_048,
  maxStreamIdleMs: 15 * 60_000,
};
