import { AddressPools } from "../calls/address-pools.ts";
import {
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_MAX_POOLS,
  DEFAULT_MAX_WAITING,
  SWEEP_INTERVAL,
  type UpstreamOptions,
} from "../calls/upstream-options.ts";
import type { Waiter } from "./connection.ts";
import { Http1Pool } from "./pool.ts";

/** One pool of HTTP/1.1 connections per address and port. */
export class Http1Pools extends AddressPools<Waiter> {
  constructor({ maxPools = DEFAULT_MAX_POOLS, ...options }: UpstreamOptions = {}) {
    const settings = {
      connectTimeout: options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
      headersTimeout: options.headersTimeout ?? 0,
      keepAliveTimeout: options.keepAliveTimeout ?? 4_000,
      maxConnections: options.maxConnections ?? 1_024,
      maxWaiting: options.maxWaiting ?? DEFAULT_MAX_WAITING,
    };
    super((address) => new Http1Pool(address, settings), { maxPools, sweepInterval: SWEEP_INTERVAL });
  }
}
