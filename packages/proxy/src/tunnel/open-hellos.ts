/**
 * The TLS connections that are open, by the random bytes of their ClientHello.
 *
 * A connection that passes through unread has no header for a mark, but its hello is forwarded byte
 * for byte: one that comes while the same is open is the same connection once more. One process and
 * thread sees its own connections only, so a loop over several ends when it comes back to any of
 * them.
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
