import { FencelineError, shortened } from "@fenceline/api";
import { hasStatus } from "../client/api-error.ts";
import type { KubernetesApi } from "../client/kubernetes-api.ts";
import { collectionPath, LEASES, objectPath } from "../client/resource.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import {
  deposed,
  type ElectionState,
  INITIAL_STATE,
  LEASE_TIMES,
  type LeaseTimes,
  LONGEST_LEASE,
  mayClaim,
  mayWrite,
  observed,
  renewed,
} from "./election-state.ts";
import { claimedLease, type LeaseView, readLease, releasedLease } from "./lease-object.ts";

/** Whether this process may write. */
export interface Leadership {
  /**
   * True only while no other process can lead. Call it before every write: it costs one read of the
   * clock.
   */
  mayWrite(): boolean;
  /**
   * Aborted as soon as this process no longer leads, so that writes under way end. Every term has
   * its own signal. While the process does not lead, it is aborted.
   */
  term(): AbortSignal;
}

/** Settings of a {@link LeaderElection}. */
export interface LeaderElectionOptions {
  readonly api: KubernetesApi;
  /** The Lease. It is created when it does not exist. */
  readonly namespace: string;
  readonly name: string;
  /**
   * Name of this process among the candidates. It differs for each start, for example
   * `<pod>_<uuid>`.
   */
  readonly identity: string;
  readonly times?: LeaseTimes;
  readonly clock?: Clock;
  /** Between 0 and 1. Default `Math.random`. */
  readonly random?: () => number;
  /** Called when a term begins and when it ends. Must not throw. */
  readonly onChange?: (leads: boolean) => void;
  /** Called once for each trouble, until it is over. */
  readonly onTrouble?: (error: FencelineError) => void;
}

/**
 * Elects one leader among the processes that share a Lease.
 *
 * A leader that cannot renew stops before another one may begin. The data path does not depend on
 * it: every replica learns, only the leader renders.
 */
export class LeaderElection implements Leadership {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #state: ElectionState = INITIAL_STATE;
  #term: AbortController = abortedController();
  #trouble: string | undefined;
  #isToldTooLong = false;
  #running: Promise<void> | undefined;

  /** @throws {FencelineError} `LEASE_TIMES_INVALID` when a leader could outlive its Lease */
  constructor(options: LeaderElectionOptions) {
    const { times = LEASE_TIMES, clock = monotonicClock } = options;
    if (times.renewDeadline >= times.leaseDuration || times.retryPeriod >= times.renewDeadline || times.leaseDuration > LONGEST_LEASE) {
      const message = `a Lease needs retryPeriod < renewDeadline < leaseDuration <= ${LONGEST_LEASE}, or two could lead at once`;
      throw new FencelineError("LEASE_TIMES_INVALID", { message });
    }
    this.#options = options;
    this.#times = times;
    this.#clock = clock;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  mayWrite(): boolean {
    return !this.#stop.signal.aborted && mayWrite(this.#state, this.#clock.now());
  }

  term(): AbortSignal {
    return this.mayWrite() ? this.#term.signal : AbortSignal.abort();
  }

  /** The holder when the Lease was last seen; undefined when there is none. */
  get leader(): string | undefined {
    return this.#state.lease?.holder || undefined;
  }

  /**
   * Why nobody leads, as far as this process knows: it may take the Lease, and cannot. Undefined
   * where somebody leads, and before the first try.
   */
  get vacancy(): string | undefined {
    return this.mayWrite() || !mayClaim(this.#state, this.#options.identity, this.#clock.now()) ? undefined : this.#trouble;
  }

  /**
   * Ends the term, then releases the Lease, so that the next leader need not wait until it expires.
   */
  async stop(): Promise<void> {
    const led = this.mayWrite();
    this.#stop.abort();
    this.#endTerm();
    await this.#running;
    if (led) await this.#release();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#try();
      // Candidates that were started together must not always send together.
      const { random = Math.random } = this.#options;
      await this.#clock.sleep(this.#times.retryPeriod * (1 + random() / 5), signal);
    }
  }

  async #try(): Promise<void> {
    // A process that was stopped for too long (a full disk, a debugger, no CPU) notices it here,
    // before it does anything else.
    if (this.#state.leadsUntil !== undefined && !this.mayWrite()) this.#endTerm();
    const wasLeader = this.mayWrite();
    const timeout = this.#deadline();
    try {
      if (!wasLeader) this.#observed(await this.#read(timeout.signal));
      if (mayClaim(this.#state, this.#options.identity, this.#clock.now())) await this.#claim(timeout.signal);
      this.#trouble = undefined;
    } catch (error) {
      await this.#failed(error, timeout.signal);
    } finally {
      timeout.abort();
    }
  }

  /**
   * A request may take as long as the leader has left, but at most half a term: then a new
   * connection is better.
   */
  #deadline(): AbortController {
    const controller = new AbortController();
    const left = (this.#state.leadsUntil ?? Number.POSITIVE_INFINITY) - this.#clock.now();
    const pause = Math.min(left, this.#times.renewDeadline / 2);
    const signal = AbortSignal.any([controller.signal, this.#stop.signal]);
    void this.#clock.sleep(pause, signal).then(() => controller.abort(new Error("no answer in time")));
    return controller;
  }

  /** A Lease with too long a duration is reported once, until one has a shorter duration. */
  #observed(lease: LeaseView | undefined): void {
    this.#state = observed(this.#state, lease, this.#clock.now());
    const isTooLong = lease !== undefined && lease.holder !== "" && lease.durationSeconds * 1_000 > LONGEST_LEASE;
    if (isTooLong && !this.#isToldTooLong) this.#options.onTrouble?.(tooLong(this.#options, lease));
    this.#isToldTooLong = isTooLong;
  }

  async #read(signal: AbortSignal): Promise<LeaseView | undefined> {
    try {
      return readLease(await this.#options.api.json({ method: "GET", path: this.#path(), signal }));
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    const { api, identity, namespace, name } = this.#options;
    const { lease: current } = this.#state;
    const sentAt = this.#clock.now();
    const durationSeconds = this.#times.leaseDuration / 1_000;
    const body = claimedLease({ key: { namespace, name }, identity, durationSeconds, current, date: new Date() });
    const answer = await (current === undefined
      ? api.json({ method: "POST", path: collectionPath(LEASES, namespace), body, signal })
      : api.json({ method: "PUT", path: this.#path(), body, signal }));
    if (this.#stop.signal.aborted) return;
    if (!this.mayWrite()) this.#endTerm();
    this.#state = renewed(readLease(answer), sentAt, this.#times);
    if (!this.mayWrite()) return;
    if (this.#term.signal.aborted) this.#beginTerm();
    this.#watchDeadline(this.#state.leadsUntil);
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    if (this.#stop.signal.aborted) return;
    // Somebody else wrote or deleted it: what we know is out of date. If it is another's now, we no
    // longer lead.
    if (hasStatus(error, 404, 409)) await this.#lookAgain(signal);
    else this.#tell(error);
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    try {
      const lease = await this.#read(signal);
      this.#observed(lease);
      if (lease !== undefined && lease.holder !== this.#options.identity) this.#endTerm();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Ends the term when its time is over, unless it was renewed meanwhile. */
  #watchDeadline(leadsUntil: number | undefined): void {
    if (leadsUntil === undefined) return;
    void this.#clock.sleep(leadsUntil - this.#clock.now(), this.#term.signal).then(() => {
      if (this.#state.leadsUntil === leadsUntil) this.#endTerm();
    });
  }

  #beginTerm(): void {
    this.#term = new AbortController();
    this.#options.onChange?.(true);
  }

  #endTerm(): void {
    this.#state = deposed(this.#state);
    if (this.#term.signal.aborted) return;
    this.#term.abort();
    this.#options.onChange?.(false);
  }

  async #release(): Promise<void> {
    const { api, namespace, name, identity } = this.#options;
    const { lease: current } = this.#state;
    if (current?.holder !== identity) return;
    const body = releasedLease({ key: { namespace, name }, current, date: new Date() });
    const signal = AbortSignal.timeout(this.#times.retryPeriod);
    // If this fails, the Lease expires by itself.
    await api.json({ method: "PUT", path: this.#path(), body, signal }).catch((error: unknown) => this.#tell(error));
  }

  #path(): string {
    const { namespace, name } = this.#options;
    return objectPath(LEASES, { namespace, name });
  }

  #tell(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.#options.onTrouble?.(error instanceof FencelineError ? error : new FencelineError("ELECTION_FAILED", { message, cause: error }));
  }
}

function tooLong({ namespace, name }: LeaderElectionOptions, { holder, durationSeconds }: LeaseView): FencelineError {
  return new FencelineError("LEASE_TOO_LONG", {
    at: { object: `Lease ${namespace}/${name}`, path: "spec.leaseDurationSeconds" },
    message: `${shortened(holder)} holds it for ${durationSeconds} s; it is waited for ${LONGEST_LEASE / 1_000} s after its last renewal`,
    hint: "find who else writes it: Fenceline takes it for 15 s at a time",
  });
}

function abortedController(): AbortController {
  const controller = new AbortController();
  controller.abort();
  return controller;
}
