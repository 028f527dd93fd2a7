import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { AddressUpdate } from "@fenceline/api/vocabulary";
import type { LongLivedCall } from "../report/calls-in-flight.ts";
import { heapLimits } from "./heap.ts";
import type { CountedEdge, Figures, FromWorker, ToWorker, WorkerStart } from "./messages.ts";

/** Events of a worker. */
export interface WorkerEvents {
  listening(port: number): void;
  edges(edges: readonly CountedEdge[], dropped: number): void;
  /**
   * The thread has ended, for whatever reason. Called once.
   *
   * @param code that of an expected error
   */
  ended(reason: string, code?: string): void;
}

/** One data-path thread, seen from the main thread. */
export class WorkerThread {
  readonly number: number;
  readonly startedAt = performance.now();
  readonly #worker: Worker;
  #figures: Figures = [];
  #calls: readonly LongLivedCall[] = [];
  #isListening = false;
  #isOver = false;
  #fault = "it ended by itself";
  #code: string | undefined;
  #activeSeconds = 0;
  /** Since when a request for figures is unanswered; undefined when there is none. */
  #owedSince: number | undefined;
  #answered = Promise.withResolvers<void>();

  /** @param module worker module, see {@link runWorker} */
  constructor(module: URL, start: WorkerStart, events: WorkerEvents) {
    this.number = start.number;
    this.#worker = new Worker(module, { workerData: start, name: `worker ${start.number}`, resourceLimits: heapLimits() });
    this.#worker.on("message", (message: FromWorker) => this.#take(message, events));
    this.#worker.on("error", (error: unknown) => {
      this.#fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    this.#worker.on("exit", () => {
      this.#isOver = true;
      this.#isListening = false;
      this.#answered.resolve();
      events.ended(this.#fault, this.#code);
    });
  }

  /** Whether it accepts connections. */
  get isListening(): boolean {
    return this.#isListening;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The last figures that it sent. */
  get figures(): Figures {
    return this.#figures;
  }

  /** Its long-lived calls, as of the same moment. */
  get calls(): readonly LongLivedCall[] {
    return this.#calls;
  }

  /**
   * Seconds that its event loop was busy. It is read from outside, so that it is right even while
   * the loop is blocked.
   */
  get activeSeconds(): number {
    // It is 0 once the thread has ended.
    this.#activeSeconds = Math.max(this.#activeSeconds, this.#worker.performance.eventLoopUtilization().active / 1_000);
    return this.#activeSeconds;
  }

  /** Milliseconds since the unanswered request for figures. */
  get silentFor(): number {
    return this.#owedSince === undefined ? 0 : performance.now() - this.#owedSince;
  }

  /** Sends an update of the mesh's addresses. Updates before the worker listens wait. */
  tellAddresses(update: AddressUpdate): void {
    if (!this.#isOver) this.#send({ type: "addresses", update });
  }

  /**
   * Asks for figures, unless a request is under way. Resolves when they have arrived or the thread
   * has ended.
   */
  askForFigures(): Promise<void> {
    if (this.#isListening && this.#owedSince === undefined) {
      this.#owedSince = performance.now();
      this.#answered = Promise.withResolvers();
      this.#send({ type: "figures" });
    }
    return this.#owedSince === undefined ? Promise.resolve() : this.#answered.promise;
  }

  /**
   * Waits for requests in flight. Resolves when the thread has ended. After `deadline` milliseconds
   * its connections are closed.
   */
  async drain(deadline: number): Promise<void> {
    if (this.#isOver) return;
    const over = once(this.#worker, "exit");
    if (!this.#isListening) await this.#worker.terminate();
    else this.#send({ type: "drain", deadline });
    await over;
  }

  /** Ends the thread at once, whatever it does. */
  async terminate(reason: string): Promise<void> {
    this.#fault = reason;
    await this.#worker.terminate();
  }

  #take(message: FromWorker, events: WorkerEvents): void {
    switch (message.type) {
      case "listening":
        this.#isListening = true;
        events.listening(message.port);
        break;
      case "failed":
        this.#fault = message.message;
        this.#code = message.code;
        break;
      case "figures":
        this.#figures = message.figures;
        this.#calls = message.calls;
        this.#owedSince = undefined;
        this.#answered.resolve();
        break;
      case "edges":
        events.edges(message.edges, message.dropped);
        this.#send({ type: "edges taken" });
    }
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
