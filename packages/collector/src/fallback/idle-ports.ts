/**
 * How long nobody must have declared a port before it may make room, in milliseconds. A Service
 * that is replaced, installed again, or moved to another namespace is back by then. So is
 * everything after a restart of the API server.
 */
const GRACE = 600_000;

/**
 * The ports of the fallback's Service that nobody declares, and since when this process has seen
 * that. A restart begins anew, so no port is given up too early.
 */
export class IdlePorts {
  readonly #clock: () => number;
  #since: ReadonlyMap<number, number> = new Map();

  /** @param clock milliseconds of a clock that never goes back */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Records which ports nobody declares now. */
  see(undeclared: readonly number[]): void {
    this.#since = new Map(undeclared.map((port) => [port, this.#since.get(port) ?? this.#clock()]));
  }

  /** Ports that nobody has declared for long enough. */
  due(): ReadonlySet<number> {
    const now = this.#clock();
    return new Set([...this.#since].filter(([, since]) => now - since >= GRACE).map(([port]) => port));
  }
}
