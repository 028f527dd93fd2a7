/**
 * Options of every TCP connection, with clients and destinations. Small answers are sent at once.
 * After a minute without a byte the kernel probes the peer, so that a dead one does not hold a call
 * without a timeout, or a tunnel, for ever.
 */
export const TCP_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;
