/**
 * The open TLS connections, by the random bytes of their ClientHello.
 *
 * A TLS connection has no header for a loop mark, but its hello is forwarded byte for byte: the
 * same hello on another open connection means a loop. Each process and thread sees only its own
 * connections, so a loop over several ends when it reaches one of them again.
 */
export class OpenHellos {
  readonly #open = new Set<string>();

  /** @returns false when it is open already */
  add(random: string): boolean {
    if (this.#open.has(random)) return false;
    this.#open.add(random);
    return true;
  }

  delete(random: string): void {
    this.#open.delete(random);
  }
}
