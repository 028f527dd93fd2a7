import { AddressPools } from "../calls/address-pools.ts";
import {
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_MAX_POOLS,
  DEFAULT_MAX_WAITING,
  SWEEP_INTERVAL,
  type UpstreamOptions,
} from "../calls/upstream-options.ts";
import type { Http2Options } from "./options.ts";
import { Http2Pool, type SessionWaiter } from "./pool.ts";

/** One pool of HTTP/2 connections per address and port. */
export class Http2Pools extends AddressPools<SessionWaiter> {
  constructor(upstream: UpstreamOptions = {}, http2: Http2Options = {}) {
    const { connectTimeout = DEFAULT_CONNECT_TIMEOUT, maxWaiting = DEFAULT_MAX_WAITING, maxPools = DEFAULT_MAX_POOLS } = upstream;
    const { maxSessions = 16, idleTimeout = 60_000, pingAfter = 30_000, pingTimeout = 15_000 } = http2;
    const settings = { connectTimeout, maxWaiting, maxSessions, idleTimeout, pingAfter, pingTimeout };
    super((address) => new Http2Pool(address, settings), {
      maxPools,
      sweepInterval: Math.min(SWEEP_INTERVAL, idleTimeout, pingAfter),
    });
  }
}
