/**
 * A connection that neither a server nor a pool knows of any more: a tunnel, or one that waits
 * behind its last answer.
 */
export interface HeldConnection {
  /** Closes both sides now, by RST: it must not look as if all had been said. */
  cut(): void;
}

/** A part of the proxy with connections: a server, the sockets that listen, pools. */
export interface ConnectedPart {
  /** Takes nothing new, tells its peers to go, and resolves once it has no connection left. */
  drain(): Promise<void> | void;
  /** Closes every connection now. */
  cut(): void;
  /** A call has ended while the proxy drains, so that a connection may have become idle. */
  callEnded?(): void;
}

/**
 * Whether the proxy takes new work, and what is to end before it is gone. It is made first and
 * handed down: whoever opens connections registers here, whoever answers looks here whether to say
 * `Connection: close`.
 *
 * serving → draining (clients are told to go) → clients gone → destinations drained → gone. At the
 * deadline, whatever the state, everything is cut.
 */
export class Lifecycle {
  readonly #clientParts: ConnectedPart[] = [];
  readonly #destinationParts: ConnectedPart[] = [];
  readonly #held = new Set<HeldConnection>();
  #onNoneHeld: (() => void) | undefined;
  #isDraining = false;
  #drained: Promise<void> | undefined;

  /** Whether clients are told to go. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Drained first: what clients are connected to. */
  addClientPart(part: ConnectedPart): void {
    this.#clientParts.push(part);
  }

  /** Drained when the last client has gone: what is connected to destinations. */
  addDestinationPart(part: ConnectedPart): void {
    this.#destinationParts.push(part);
  }

  /**
   * A connection that the drain waits for, and that its deadline cuts: node:http closes only those
   * that it still reads.
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
   * A call is over. A connection whose answer had no `Connection: close` yet turns idle after the
   * drain has closed the idle ones.
   */
  callEnded(): void {
    if (this.#isDraining) for (const part of this.#clientParts) part.callEnded?.();
  }

  /**
   * Resolves when all has ended.
   *
   * @param deadline milliseconds after which what is left is cut; that of the first call counts
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
