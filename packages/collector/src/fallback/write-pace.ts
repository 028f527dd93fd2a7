import { doublingPause, FencelineError, type PauseLimits, type ServicePort } from "@fenceline/api";

/** Before a port is added again. */
const PAUSE: PauseLimits = { first: 1_000, longest: 30_000 };

/**
 * How often the same port may be added. A new one waits for nothing. One that we added and that is
 * gone again was taken away by somebody, who may do so again and again, and every change of this
 * Service reaches every fenced Envoy.
 */
export class WritePace {
  readonly #clock: () => number;
  /** Times that each port was added. There are 65,535 at most. */
  readonly #times = new Map<number, number>();
  #addedAt = Number.NEGATIVE_INFINITY;

  /** @param clock milliseconds of a clock that never goes back */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /**
   * Those of the ports that may be added now.
   *
   * @throws {FencelineError} `OBJECT_CONTESTED` when none may
   */
  due(ports: readonly ServicePort[]): readonly ServicePort[] {
    const passed = this.#clock() - this.#addedAt;
    const due = ports.filter(({ port }) => passed >= doublingPause(this.#times.get(port) ?? 0, PAUSE));
    if (due.length > 0) return due;
    const message = `ports ${ports.map(({ port }) => port).join(", ")} were added, and somebody took them away`;
    throw new FencelineError("OBJECT_CONTESTED", { message, hint: "find who else writes the Service in its metadata.managedFields" });
  }

  /** Takes note that ports were added, by us or by a replica just before. */
  added(ports: readonly ServicePort[]): void {
    this.#addedAt = this.#clock();
    for (const { port } of ports) this.#times.set(port, (this.#times.get(port) ?? 0) + 1);
  }
}
