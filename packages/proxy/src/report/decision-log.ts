import { formatFenceKey } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { Call } from "../calls/call.ts";
import type { Route } from "../destination/route.ts";
import type { Resolution } from "../resolve/resolver.ts";

/** Most characters of a client's text that are logged. */
export const MAX_LOGGED_TEXT = 256;
/** Endpoints that a line names. */
const NAMED_ENDPOINTS = 3;

/**
 * One line per decision about a request, at level debug.
 *
 * At any other level it is undefined, and callers use `log?.`: nothing is built for a line that is
 * not logged.
 */
export class DecisionLog {
  readonly #logger: Logger;
  /**
   * `x-request-id` of calls in flight. It is here and not in the call, so that it costs nothing
   * without this log.
   */
  readonly #requestIds = new WeakMap<Call, string>();

  /** Undefined unless level debug is logged. */
  static of(logger: Logger): DecisionLog | undefined {
    return logger.isLevelEnabled("debug") ? new DecisionLog(logger) : undefined;
  }

  private constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param rawHeaders flat list of names and values */
  received(call: Call, rawHeaders: readonly string[]): void {
    const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "x-request-id");
    const value = at < 0 ? undefined : rawHeaders[at + 1];
    if (value !== undefined) this.#requestIds.set(call, value.slice(0, MAX_LOGGED_TEXT));
  }

  requestIdOf(call: Call): string | undefined {
    return this.#requestIds.get(call);
  }

  /** The destination is known. @param external whether it is outside of the mesh */
  routed(call: Call, route: Route, resolution: NonNullable<Resolution>, external: boolean): void {
    const addresses = resolution.slice(0, NAMED_ENDPOINTS).map(({ origin }) => origin);
    const learns = call.edge !== undefined;
    const line = {
      ...this.#namesOf(call),
      service: resolution[0]?.service,
      by: reasonOf(route, resolution),
      addresses,
      endpoints: resolution.length,
      learns,
      external,
    };
    this.#logger.debug(line, "request routed");
  }

  /** The destination has answered. */
  answered(call: Call, status: number): void {
    this.#logger.debug({ ...this.#namesOf(call), address: call.exchange.address?.origin, status }, "request answered");
  }

  #namesOf(call: Call) {
    const { authority, source, original } = call.route?.destination ?? {};
    return {
      requestId: this.#requestIds.get(call),
      source: source === undefined ? undefined : formatFenceKey(source),
      host: authority?.slice(0, MAX_LOGGED_TEXT),
      originalDestination: original === undefined ? undefined : `${original.address}:${original.port}`,
    };
  }
}

/**
 * Why this destination was chosen: the name that the caller wrote, or the address to which its
 * application connected.
 */
function reasonOf({ destination: { named, original } }: Route, resolution: NonNullable<Resolution>): "host" | "original destination" {
  const service = resolution[0]?.service?.replace(/:\d+$/, "");
  if (original === undefined || named.kind !== "name" || service === undefined) return "host";
  // Either may be the longer one: names are completed at their end.
  const isNamed = `${service}.`.startsWith(`${named.host}.`) || `${named.host}.`.startsWith(`${service}.`);
  return isNamed ? "host" : "original destination";
}
