/**
 * Of every TCP connection, of clients and to destinations. Small answers go out at once. After a
 * minute without a byte the kernel probes the peer, so that one that vanished does not hold a call
 * without a timeout, or a tunnel, for ever.
 */
export const TCP_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;
