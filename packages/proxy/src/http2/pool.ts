import { asError, UpstreamError } from "../calls/upstream-error.ts";
import { type InLine, WaitingLine } from "../calls/waiting-line.ts";
import { FREE_FOR_ALL, Holdings } from "../load/fair-share.ts";
import type { Address } from "../resolve/resolver.ts";
import { Http2Connection, MAX_STREAMS, type SessionOptions, type SessionOwner } from "./connection.ts";

/** Waits for a session with room for a stream. */
export interface SessionWaiter extends InLine {
  /** Gets a session with room; opens its stream before it returns. */
  onSession(session: Http2Connection): void;
  /** There is none to be had. */
  onNoSession(error: Error): void;
}

export interface SessionPoolOptions extends SessionOptions {
  /** Connections to the address. */
  readonly maxSessions: number;
  /** Requests that may wait beside those for which a connection can still be opened. */
  readonly maxWaiting: number;
}

/**
 * The HTTP/2 connections to one address: another one is opened only when those that are there have
 * no room.
 *
 * One without open streams is taken in the check phase, and not in the turn in which its last
 * answer ended, for the reasons of an Http1Pool: the end of the connection may be unread in our
 * kernel. One with open streams is taken at once. Whether its end is unread cannot be told without
 * a wait for each request, and where it is, those streams are lost in any case.
 *
 * The last fifth of the streams is for callers that have less than half of them open, as with the
 * connections of an Http1Pool.
 */
export class Http2Pool implements SessionOwner {
  readonly holdings = new Holdings();
  readonly #address: Address;
  readonly #options: SessionPoolOptions;
  readonly #sessions = new Set<Http2Connection>();
  #connecting = 0;
  /** Streams that the next connection will carry, going by the last one. */
  #streamsEach = MAX_STREAMS;
  readonly #line = new WaitingLine<SessionWaiter>();
  /** Whether the next check phase serves the line. */
  #serving = false;
  #retired = false;
  #onEmpty: (() => void) | undefined;

  constructor(address: Address, options: SessionPoolOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Hands a session to the waiter: one with open streams at once, another in a check phase. */
  acquire(waiter: SessionWaiter): void {
    const mayTake = this.#mayTake(waiter.caller);
    const session = mayTake ? this.#roomy() : undefined;
    if (session !== undefined && isInUse(session)) {
      waiter.onSession(session);
      return;
    }
    const isFull = this.#line.size >= this.#mayWait;
    const tooMany = isFull ? this.#line.displacedBy(waiter) : undefined;
    if (!isFull) this.#line.join(waiter);
    if (session !== undefined) this.#serveSoon();
    else if (mayTake && tooMany !== waiter) this.#connect();
    if (tooMany?.done === false) tooMany.onNoSession(busy());
  }

  /**
   * The waiter wants no session any more. One that is being made is not for it alone, and stays.
   */
  leave(waiter: SessionWaiter): void {
    this.#line.leave(waiter);
  }

  waitsInLine(waiter: SessionWaiter): boolean {
    return this.#line.has(waiter);
  }

  /** See {@link Http2Connection.sweep}. */
  sweep(now: number): void {
    for (const session of [...this.#sessions]) session.sweep(now);
    this.holdings.sweep();
  }

  /** Lets streams finish and closes each session then. Resolves when there is none left. */
  retire(): Promise<void> {
    this.#retired = true;
    if (this.#line.size === 0) for (const session of [...this.#sessions]) session.close();
    if (this.#sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Closes every session now. */
  destroy(): void {
    this.#retired = true;
    this.#failWaiting(new UpstreamError("CLOSED", "the proxy is stopping"));
    for (const session of [...this.#sessions]) session.destroy();
  }

  onReady(session: Http2Connection): void {
    this.#connecting -= 1;
    this.#streamsEach = session.maxStreams;
    this.#serve((each) => each === session || isInUse(each));
    this.#closeIfRetired(session);
    // They joined while nobody knew how few streams the destination allows.
    if (this.#line.size > this.#mayWait) for (const waiter of this.#line.cutAt(this.#mayWait)) waiter.onNoSession(busy());
    // Whoever takes no streams now would take none by a second connection.
    if (this.#line.size > 0 && session.openStreams > 0) this.#connect();
  }

  onRoom(session: Http2Connection): void {
    this.#serve(isInUse);
    this.#closeIfRetired(session);
  }

  onGone(session: Http2Connection, error: Error | undefined): void {
    this.#sessions.delete(session);
    if (!session.isReady) this.#connecting -= 1;
    // Whoever waits beside sessions that are merely busy goes on waiting for them; without any, the
    // error is the answer.
    if (error === undefined && this.#line.size > 0) this.#serveOrConnect();
    else if (error !== undefined && this.#sessions.size === 0) this.#failWaiting(error);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  /** @param mayUse whether this session may be taken now; the others are in the check phase */
  #serve(mayUse: (session: Http2Connection) => boolean): void {
    while (this.#line.size > 0) {
      const session = this.#roomy(mayUse) ?? this.#roomy();
      if (session === undefined) return;
      if (!mayUse(session)) {
        this.#serveSoon();
        return;
      }
      const waiter = this.#line.next(this.#mayTake);
      if (waiter === undefined) return;
      waiter.onSession(session);
    }
  }

  #serveOrConnect(): void {
    if (this.#roomy() === undefined) this.#connect();
    else this.#serveSoon();
  }

  #serveSoon(): void {
    if (this.#serving) return;
    this.#serving = true;
    setImmediate(() => {
      this.#serving = false;
      this.#serve((session) => isInUse(session) || session.wasPolled);
      // The session that they waited for is full, or has come to its end.
      if (this.#line.size > 0 && this.#roomy() === undefined) this.#connect();
      for (const session of [...this.#sessions]) this.#closeIfRetired(session);
    });
  }

  #closeIfRetired(session: Http2Connection): void {
    if (this.#retired && this.#line.size === 0) session.close();
  }

  readonly #mayTake = (caller: string): boolean => {
    const { maxSessions } = this.#options;
    if (this.#sessions.size <= maxSessions * FREE_FOR_ALL) return true;
    let max = (maxSessions - this.#sessions.size) * this.#streamsEach;
    // One that is about to close allows none any more.
    for (const { isReady, maxStreams, openStreams } of this.#sessions)
      max += isReady ? Math.max(maxStreams, openStreams) : this.#streamsEach;
    return this.holdings.mayTake(caller, max);
  };

  /**
   * A burst is larger than the line before the first SETTINGS are there, and fits the connections
   * that are opened one after the other for it.
   */
  get #mayWait(): number {
    const { maxSessions, maxWaiting } = this.#options;
    const toOpen = Math.max(0, maxSessions - this.#sessions.size + this.#connecting);
    let room = toOpen * this.#streamsEach;
    // Taken in the next check phase.
    for (const session of this.#sessions) if (session.hasRoom && !isInUse(session)) room += session.maxStreams;
    return maxWaiting + room;
  }

  /** The first with room, so that those beyond the need become idle. */
  #roomy(mayUse?: (session: Http2Connection) => boolean): Http2Connection | undefined {
    for (const session of this.#sessions) if (session.hasRoom && mayUse?.(session) !== false) return session;
    return undefined;
  }

  /** One at a time: until its SETTINGS are there, nobody knows how many streams it will carry. */
  #connect(): void {
    if (this.#connecting > 0 || this.#sessions.size >= this.#options.maxSessions) return;
    try {
      this.#sessions.add(new Http2Connection(this.#address, this, this.#options));
      this.#connecting += 1;
    } catch (error) {
      // Node throws at once where it does not even try to connect.
      if (this.#sessions.size === 0) this.#failWaiting(asError(error));
    }
  }

  #failWaiting(error: Error): void {
    for (const waiter of this.#line.takeAll()) waiter.onNoSession(error);
  }
}

function isInUse({ openStreams }: Http2Connection): boolean {
  return openStreams > 0;
}

function busy(): UpstreamError {
  return new UpstreamError("BUSY", "the destination takes no more streams");
}
