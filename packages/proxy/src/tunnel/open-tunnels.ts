/** A connection that no HTTP server knows of any more. */
export interface Tunnel {
  /** Closes both sides now, by RST: it must not look as if all had been said. */
  cut(): void;
}

/** The connections to wait for in a drain, and to cut when its deadline is over: node:http closes only those that it still reads. */
export class OpenTunnels {
  readonly #open = new Set<Tunnel>();
  #onEmpty: (() => void) | undefined;

  add(tunnel: Tunnel): void {
    this.#open.add(tunnel);
  }

  delete(tunnel: Tunnel): void {
    this.#open.delete(tunnel);
    if (this.#open.size === 0) this.#onEmpty?.();
  }

  cutAll(): void {
    for (const tunnel of [...this.#open]) tunnel.cut();
  }

  /** Resolves once there is none. */
  async ended(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
