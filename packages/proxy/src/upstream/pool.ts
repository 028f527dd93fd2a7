import type { Address } from "../resolve/resolver.ts";
import { type ConnectionOptions, type ConnectionOwner, UpstreamConnection } from "./connection.ts";
import { UpstreamError } from "./upstream-error.ts";

/** Waits for a connection. */
export interface Waiter {
  /** Whether the connection is not wanted any more. */
  readonly done: boolean;
  /** Gets a connection for one exchange. */
  onConnection(connection: UpstreamConnection): void;
  /** There is none to be had. */
  onNoConnection(error: Error): void;
}

export interface PoolOptions extends ConnectionOptions {
  /** Milliseconds that an idle connection is kept. */
  readonly keepAliveTimeout: number;
  /** Connections to the address. */
  readonly maxConnections: number;
  /** Requests that may wait for a connection when all are in use. */
  readonly maxWaiting: number;
}

/** Taken off what a destination says in `Keep-Alive: timeout=`, so that it is not the first to close. */
const KEEP_ALIVE_MARGIN = 1_000;

/** The connections to one address. */
export class Pool implements ConnectionOwner {
  readonly #address: Address;
  readonly #options: PoolOptions;
  /** Longest idle first; the one used last is used next, so that those beyond the need grow old. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #connecting = new Map<UpstreamConnection, Waiter>();
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiting: Waiter[] = [];
  #retired = false;
  #onEmpty: (() => void) | undefined;

  constructor(address: Address, options: PoolOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Hands a connection to the waiter, at once where one is idle. */
  acquire(waiter: Waiter): void {
    const connection = this.#idle.pop();
    if (connection !== undefined) waiter.onConnection(connection);
    else if (this.#all.size < this.#options.maxConnections) this.#connect(waiter);
    else if (this.#waiting.length < this.#options.maxWaiting) this.#waiting.push(waiter);
    else waiter.onNoConnection(new UpstreamError("BUSY", "every connection to the destination is in use"));
  }

  /** Closes what has been idle for too long. @param now milliseconds of a monotonic clock */
  sweep(now: number): void {
    const expired = this.#idle.filter(({ idleSince, idleLimit }) => now - idleSince >= idleLimit);
    for (const connection of expired) connection.destroy();
  }

  /** Lets exchanges under way finish, and closes each connection as it becomes idle. Resolves when there is none left. */
  retire(): Promise<void> {
    this.#retired = true;
    for (const connection of [...this.#idle]) connection.destroy();
    if (this.#all.size === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Closes every connection now. */
  destroy(): void {
    this.#retired = true;
    const waiters = [...this.#connecting.values(), ...this.#waiting.splice(0)];
    this.#connecting.clear();
    for (const connection of [...this.#all]) connection.destroy();
    for (const waiter of waiters) waiter.onNoConnection(new UpstreamError("CLOSED", "the proxy is stopping"));
  }

  onConnected(connection: UpstreamConnection): void {
    const waiter = this.#connecting.get(connection);
    this.#connecting.delete(connection);
    if (waiter === undefined || waiter.done) this.onIdle(connection);
    else waiter.onConnection(connection);
  }

  onConnectFailed(connection: UpstreamConnection, error: Error): void {
    const waiter = this.#connecting.get(connection);
    this.#connecting.delete(connection);
    if (waiter !== undefined && !waiter.done) waiter.onNoConnection(error);
    this.onGone(connection);
  }

  onIdle(connection: UpstreamConnection): void {
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) {
      waiter.onConnection(connection);
      return;
    }
    if (this.#retired) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    connection.idleLimit = Math.min(this.#options.keepAliveTimeout, connection.offeredIdleTime - KEEP_ALIVE_MARGIN);
    if (connection.idleLimit <= 0) connection.destroy();
    else this.#idle.push(connection);
  }

  onGone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) this.#connect(waiter);
    else if (this.#all.size === 0) this.#onEmpty?.();
  }

  #connect(waiter: Waiter): void {
    const connection = new UpstreamConnection(this.#address, this, this.#options);
    this.#all.add(connection);
    this.#connecting.set(connection, waiter);
  }

  #nextWaiter(): Waiter | undefined {
    for (;;) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined || !waiter.done) return waiter;
    }
  }
}
