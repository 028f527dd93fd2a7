import { FencelineError } from "@fenceline/api";
import { hasStatus } from "../client/api-error.ts";
import type { Resource } from "../client/resource.ts";
import { type FailureReason, failureReason, type InformerHealth, type InformerState, noCounts } from "./informer-health.ts";

/**
 * What happened to an informer, for its health, its metrics and the log.
 *
 * A trouble is told once, until another one comes or a watch was healthy in between.
 */
export class InformerRecord {
  readonly counts = noCounts();
  readonly #resource: Pick<Resource, "kind" | "apiVersion">;
  readonly #onTrouble: (error: FencelineError) => void;
  #state: InformerState = "starting";
  #trouble: string | undefined;
  #failure: FailureReason | undefined;
  #contactAt: number | undefined;
  #synced = false;

  constructor(resource: Pick<Resource, "kind" | "apiVersion">, onTrouble: (error: FencelineError) => void) {
    this.#resource = resource;
    this.#onTrouble = onTrouble;
  }

  /** Whether a list was ever complete. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Whether the API server is known not to have the kind. */
  get absent(): boolean {
    return this.#state === "unavailable" && this.#failure === "absent";
  }

  /** The API server gave a good answer about the kind. */
  heard(now: number): void {
    this.#contactAt = now;
  }

  /** A list is complete. */
  listed(now: number): void {
    this.#contactAt = now;
    this.#synced = true;
  }

  /** A watch is open. */
  watching(now: number): void {
    this.#contactAt = now;
    this.#state = "watching";
  }

  /** The API server serves not the first version, but this one. */
  readBy(served: string): void {
    const { kind, apiVersion } = this.#resource;
    const message = `the API server does not serve ${apiVersion}; it is read by ${served}`;
    const hint = "an older CustomResourceDefinition is installed; Helm never updates one";
    this.#onTrouble(new FencelineError("VERSION_NOT_SERVED", { at: { object: kind }, message, hint }));
  }

  /** A watch was healthy for a while: the next failure is reported again. */
  healthy(): void {
    this.#trouble = undefined;
  }

  /** A list or a watch failed. Returns whether the kind cannot be read for now (403, 404). */
  failed(error: unknown): boolean {
    this.#failure = failureReason(error);
    this.counts.failures[this.#failure] += 1;
    const isUnavailable = hasStatus(error, 403, 404);
    this.#state = isUnavailable ? "unavailable" : "disconnected";
    this.#tell(error, "INFORMER_FAILED");
    return isUnavailable;
  }

  /** The watch cannot go on from its version, because this is too old (410). */
  gone(error: FencelineError): void {
    this.#state = "disconnected";
    this.counts.gone += 1;
    this.#trouble = error.message;
  }

  /** A line of the watch was not an event. */
  broken(error: FencelineError): void {
    this.#state = "disconnected";
    this.counts.brokenLines += 1;
    this.#tell(error, "WATCH_EVENT_BROKEN");
  }

  /** A version of an object was not valid. */
  invalid(error: unknown, object: string): void {
    this.counts.invalidVersions += 1;
    this.#tell(error, "OBJECT_INVALID", object);
  }

  /** The handler of an event threw. */
  handlerFailed(error: unknown): void {
    this.counts.handlerErrors += 1;
    this.#tell(error, "HANDLER_FAILED");
  }

  health(now: number, { objects, invalid }: Pick<InformerHealth, "objects" | "invalid">): InformerHealth {
    const { kind, apiVersion } = this.#resource;
    return {
      kind,
      apiVersion,
      state: this.#state,
      reason: this.#state === "watching" ? undefined : this.#trouble,
      absent: this.absent,
      contactAge: this.#contactAt === undefined ? undefined : now - this.#contactAt,
      synced: this.#synced,
      objects,
      invalid,
      counts: structuredClone(this.counts),
    };
  }

  #tell(error: unknown, code: string, object?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#trouble === message) return;
    this.#trouble = message;
    const { kind } = this.#resource;
    const at = { object: object === undefined ? kind : `${kind} ${object}` };
    this.#onTrouble(error instanceof FencelineError ? error : new FencelineError(code, { at, message, cause: error }));
  }
}
