/** A connection that no HTTP server knows of any more. */
export interface Tunnel {
  /** Closes both sides now, by RST: it must not look as if all had been said. */
  cut(): void;
}

/** The connections to cut when a drain's deadline is over: node:http closes only those that it still reads. */
export class OpenTunnels {
  readonly #open = new Set<Tunnel>();

  add(tunnel: Tunnel): void {
    this.#open.add(tunnel);
  }

  delete(tunnel: Tunnel): void {
    this.#open.delete(tunnel);
  }

  cutAll(): void {
    for (const tunnel of [...this.#open]) tunnel.cut();
  }
}
