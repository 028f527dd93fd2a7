import assert from "node:assert/strict";
import type { RunningLoad } from "../../lab/pod/app.ts";
import { sum } from "./figures.ts";
import type { Workload } from "./workload.ts";

/** Milliseconds between two requests to one host. */
const INTERVAL = 20;

/** Requests at a steady rate on edges that a fence knows, which nothing may disturb. */
export class SteadyLoad {
  readonly #caller: Workload;
  readonly #loads: readonly RunningLoad[];

  private constructor(caller: Workload, loads: readonly RunningLoad[]) {
    this.#caller = caller;
    this.#loads = loads;
  }

  static async start(caller: Workload, urls: readonly string[]): Promise<SteadyLoad> {
    return new SteadyLoad(caller, await Promise.all(urls.map((url) => caller.app.load({ url, interval: INTERVAL }))));
  }

  /**
   * @throws {AssertionError} when a request has failed, or did not go direct. Returns how many
   * there were.
   */
  async requireUnbroken(): Promise<number> {
    return this.#check(await Promise.all(this.#loads.map((load) => load.report())));
  }

  /** Ends it; otherwise as {@link requireUnbroken}. */
  async stop(): Promise<number> {
    return this.#check(await Promise.all(this.#loads.map((load) => load.stop())));
  }

  #check(reports: readonly Awaited<ReturnType<RunningLoad["report"]>>[]): number {
    const failures = reports.flatMap((report) => report.failures.map(({ at, reason }) => `${new Date(at).toISOString()} ${reason}`));
    assert.equal(sum(reports.map(({ failed }) => failed)), 0, `on known edges: ${failures.join("; ")}`);
    const peers = new Set(reports.flatMap((report) => report.peers.map(({ peer }) => peer)));
    assert.deepEqual([...peers], [this.#caller.identity], "calls on known edges go direct");
    return sum(reports.map(({ sent }) => sent));
  }
}
