import { Bag } from "../bag.ts";
import type { Address } from "../resolve/resolver.ts";
import { afterNextPoll } from "./after-next-poll.ts";
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

/**
 * The connections to one address.
 *
 * A connection that has answered is not used again before the event loop has polled once more. A server that closes right behind its answer, said or
 * not, has the end of the connection unread in our kernel by then, or surplus bytes that would be taken for the next answer; the poll shows them. (Envoy
 * waits for its next iteration too, though only where requests are waiting.)
 */
export class Pool implements ConnectionOwner {
  readonly #address: Address;
  readonly #options: PoolOptions;
  /** Longest idle first; the one used last is used next, so that those beyond the need grow old. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Bag<UpstreamConnection>();
  readonly #line = new WaitingLine<Waiter>();
  /** Connections that have answered in this turn. */
  #resting = 0;
  /** Those that wait for one of these: no more than there are, and never longer than a turn. */
  readonly #soon: Waiter[] = [];
  #retired = false;
  #onEmpty: (() => void) | undefined;

  constructor(address: Address, options: PoolOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Hands a connection to the waiter, at once where one is idle. */
  acquire(waiter: Waiter): void {
    const connection = waiter.needsFresh ? undefined : this.#takeIdle();
    if (connection !== undefined) {
      waiter.onConnection(connection);
      return;
    }
    if (waiter.needsFresh && this.#all.size >= this.#options.maxConnections) this.#idle[0]?.destroy();
    const isFreeSoon = !waiter.needsFresh && this.#soon.length < this.#resting;
    if (isFreeSoon) this.#soon.push(waiter);
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
    const expired = this.#idle.filter((connection) => isExpired(connection, now));
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
    const waiters = [...connections.map(takeWaiter), ...this.#soon.splice(0), ...this.#line.takeAll()];
    for (const connection of connections) connection.destroy();
    for (const waiter of waiters) if (waiter?.done === false) waiter.onNoConnection(new UpstreamError("CLOSED", "the proxy is stopping"));
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
    connection.idleSince = performance.now();
    connection.idleLimit = Math.min(this.#options.keepAliveTimeout, connection.offeredIdleTime - KEEP_ALIVE_MARGIN);
    if (connection.idleLimit <= 0 || (this.#retired && this.#line.size === 0)) {
      connection.destroy();
      return;
    }
    connection.resting = true;
    this.#resting += 1;
    afterNextPoll(connection);
  }

  onRested(connection: UpstreamConnection): void {
    if (!connection.resting) return;
    this.#endRest(connection);
    const waiter = this.#nextWaiter();
    if (waiter?.needsFresh) {
      this.#soon.unshift(waiter);
      connection.destroy();
    } else if (waiter !== undefined) waiter.onConnection(connection);
    else if (this.#retired) connection.destroy();
    else this.#idle.push(connection);
  }

  onGone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    this.#endRest(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) this.#connect(waiter);
    else if (this.#all.size === 0) this.#onEmpty?.();
  }

  #nextWaiter(): Waiter | undefined {
    for (;;) {
      const waiter = this.#soon.shift();
      if (waiter === undefined) return this.#line.next();
      if (!waiter.done) return waiter;
    }
  }

  #endRest(connection: UpstreamConnection): void {
    if (!connection.resting) return;
    connection.resting = false;
    this.#resting -= 1;
  }

  /** The one used last. Its age is looked at here, since the sweep comes by once a second only. */
  #takeIdle(): UpstreamConnection | undefined {
    if (this.#idle.length === 0) return undefined;
    const now = performance.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || !isExpired(connection, now)) return connection;
      connection.destroy();
    }
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

function isExpired({ idleSince, idleLimit }: UpstreamConnection, now: number): boolean {
  return now - idleSince >= idleLimit;
}

function takeWaiter(connection: UpstreamConnection): Waiter | undefined {
  const { waiter } = connection;
  connection.waiter = undefined;
  return waiter;
}
