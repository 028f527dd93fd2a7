import { Bag } from "../bag.ts";
import type { Address } from "../resolve/resolver.ts";
import { type ConnectionOptions, type ConnectionOwner, UpstreamConnection, type Waiter } from "./connection.ts";
import { asError, UpstreamError } from "./upstream-error.ts";
import { WaitingLine } from "./waiting-line.ts";

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
  readonly #all = new Bag<UpstreamConnection>();
  readonly #line = new WaitingLine<Waiter>();
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
    else if (this.#line.size < this.#options.maxWaiting) this.#line.join(waiter);
    else waiter.onNoConnection(new UpstreamError("BUSY", "every connection to the destination is in use"));
  }

  /** The waiter wants no connection any more. One that is being made for it goes to whoever waits next, and is given up when nobody does. */
  leave(waiter: Waiter): void {
    if (this.#line.leave(waiter)) return;
    const connection = this.#all.list().find((candidate) => candidate.waiter === waiter);
    if (connection === undefined) return;
    connection.waiter = this.#line.next();
    if (connection.waiter === undefined) connection.destroy();
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
    if (this.#all.size === 0 && this.#line.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Closes every connection now. */
  destroy(): void {
    this.#retired = true;
    const connections = this.#all.list();
    const waiters = [...connections.map(takeWaiter), ...this.#line.takeAll()];
    for (const connection of connections) connection.destroy();
    for (const waiter of waiters) waiter?.onNoConnection(new UpstreamError("CLOSED", "the proxy is stopping"));
  }

  onConnected(connection: UpstreamConnection): void {
    const waiter = takeWaiter(connection);
    if (waiter === undefined || waiter.done) this.onIdle(connection);
    else waiter.onConnection(connection);
  }

  onConnectFailed(connection: UpstreamConnection, error: Error): void {
    const waiter = takeWaiter(connection);
    if (waiter !== undefined && !waiter.done) waiter.onNoConnection(error);
    this.onGone(connection);
  }

  onIdle(connection: UpstreamConnection): void {
    const waiter = this.#line.next();
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
    const waiter = this.#line.next();
    if (waiter !== undefined) this.#connect(waiter);
    else if (this.#all.size === 0) this.#onEmpty?.();
  }

  #connect(waiter: Waiter): void {
    const connection = this.#open(waiter);
    if (connection === undefined) return;
    connection.waiter = waiter;
    this.#all.add(connection);
  }

  /** Node throws at once where it does not even try to connect; that is a connect that failed, like any other. */
  #open(waiter: Waiter): UpstreamConnection | undefined {
    try {
      return new UpstreamConnection(this.#address, this, this.#options);
    } catch (error) {
      waiter.onNoConnection(asError(error));
      return undefined;
    }
  }
}

function takeWaiter(connection: UpstreamConnection): Waiter | undefined {
  const { waiter } = connection;
  connection.waiter = undefined;
  return waiter;
}
