/**
 * A connection that is in no server and no pool any more: a tunnel, or one after its last answer.
 */
export interface HeldConnection {
  /** Closes both sides now, by RST: it must not look like a complete end. */
  cut(): void;
}

/** A part of the proxy with connections: a server, the sockets that listen, pools. */
export interface ConnectedPart {
  /** Accepts nothing new, tells its peers to leave, and resolves once it has no connection left. */
  drain(): Promise<void> | void;
  /** Closes every connection now. */
  cut(): void;
  /** A call has ended while the proxy drains, so that a connection may have become idle. */
  callEnded?(): void;
}

/**
 * Whether the proxy accepts new work, and what has to end before it stops. It is made first and
 * passed on. Parts that open connections register here, and parts that answer check here whether to
 * send `Connection: close`.
 *
 * serving → draining (clients are told to leave) → clients gone → destinations drained → gone. At
 * the deadline, whatever the state, everything is cut.
 */
export class Lifecycle {
  readonly #clientParts: ConnectedPart[] = [];
  readonly #destinationParts: ConnectedPart[] = [];
  readonly #held = new Set<HeldConnection>();
  #onNoneHeld: (() => void) | undefined;
  #isDraining = false;
  #drained: Promise<void> | undefined;

  /** Whether clients are told to leave. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Drained first: parts to which clients are connected. */
  addClientPart(part: ConnectedPart): void {
    this.#clientParts.push(part);
  }

  /** Drained when the last client is gone: parts that are connected to destinations. */
  addDestinationPart(part: ConnectedPart): void {
    this.#destinationParts.push(part);
  }

  /**
   * A connection for which the drain waits, and which is cut at the deadline: node:http closes only
   * those that it still reads.
   */
  hold(connection: HeldConnection): void {
    this.#held.add(connection);
  }

  /** The connection is closed. */
  release(connection: HeldConnection): void {
    this.#held.delete(connection);
    if (this.#held.size === 0) this.#onNoneHeld?.();
  }

  /**
   * A call is over. A connection whose answer was sent before the drain, without `Connection:
   * close`, becomes idle after the drain has closed the idle ones.
   */
  callEnded(): void {
    if (this.#isDraining) for (const part of this.#clientParts) part.callEnded?.();
  }

  /**
   * Resolves when everything has ended.
   *
   * @param deadline milliseconds after which the rest is cut; that of the first call counts
   */
  drain(deadline: number): Promise<void> {
    this.#drained ??= this.#drain(deadline);
    return this.#drained;
  }

  /** Closes every connection now. */
  cut(): void {
    for (const part of this.#clientParts) part.cut();
    for (const connection of [...this.#held]) connection.cut();
    for (const part of this.#destinationParts) part.cut();
  }

  async #drain(deadline: number): Promise<void> {
    const force = setTimeout(() => this.cut(), deadline);
    this.#isDraining = true;
    await Promise.all(this.#clientParts.map((part) => part.drain()));
    await this.#noneHeld();
    await Promise.all(this.#destinationParts.map((part) => part.drain()));
    clearTimeout(force);
  }

  async #noneHeld(): Promise<void> {
    if (this.#held.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNoneHeld = resolve;
    });
  }
}
