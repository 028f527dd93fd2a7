import type { ApiRequest, Clock, KubernetesApi, Leadership } from "@fenceline/kubernetes";
import { requireLeadership, withRetries } from "@fenceline/kubernetes";

/** Settings of {@link LeaderWrites}. */
export interface LeaderWritesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Only the leader writes. */
  readonly leadership: Leadership;
}

/** Requests of writes that only the leader makes. Each is aborted when its term ends. */
export class LeaderWrites {
  readonly #options: LeaderWritesOptions;

  constructor(options: LeaderWritesOptions) {
    this.#options = options;
  }

  /**
   * Runs a write, and again after a conflict or when the API server asks to wait.
   *
   * @param attempt told whether it must read the object again, because the attempt before met a
   * conflict
   * @throws what the last attempt threw
   */
  retrying<T>(attempt: (afterConflict: boolean) => Promise<T>): Promise<T> {
    const { clock, leadership } = this.#options;
    return withRetries(attempt, { clock, signal: leadership.term() });
  }

  /**
   * Sends one request of a write, or of the read before it.
   *
   * @throws {FencelineError} `NOT_LEADER`, or the {@link ApiError} of the API server
   */
  send(request: Omit<ApiRequest, "signal">): Promise<unknown> {
    const { api, leadership } = this.#options;
    requireLeadership(leadership, `${request.method} ${request.path}`);
    return api.json({ ...request, signal: leadership.term() });
  }
}
