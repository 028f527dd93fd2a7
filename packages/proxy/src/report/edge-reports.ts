import type { FenceKey } from "@fenceline/api";
import type { Route } from "../destination/route.ts";

/** One call from a fence to a host, as the collector learns it. */
export interface ReportedEdge {
  readonly source: FenceKey;
  /** Host as the caller wrote it. */
  readonly authority: string;
  readonly originalDestination?: { readonly address: string; readonly port: number };
  /** Status of the answer, the destination's or ours; 0 when there was none yet. */
  readonly responseCode: number;
}

/** Where edges go. `report` never throws and never blocks: learning must not cost a request anything. */
export interface EdgeReporter {
  report(edge: ReportedEdge): void;
}

/** The reporting state of one request. */
export interface PendingEdge {
  readonly route: Route;
  readonly source: FenceKey;
  /** Whether nothing is to be reported any more. */
  reported: boolean;
}

/** A first call to a service is often its slowest one; learning does not wait longer than this for its answer. In milliseconds. */
const EARLY_REPORT_AFTER = 100;
/** An edge reported within this many milliseconds needs no early report: the collector knows it. */
const KNOWN_FOR = 1_000;
/** Requests that may wait for their early report; beyond it they are reported when they are forwarded. */
const MAX_WAITING = 10_000;

/**
 * Step 6: each forwarded request is reported exactly once: with its answer, with its failure, or after 100 ms without either.
 *
 * All early reports have the same delay, so they fall due in the order in which they were asked for: one queue and one timer serve them all.
 */
export class EdgeReports {
  readonly #reporter: EdgeReporter;
  readonly #waiting: { readonly edge: PendingEdge; readonly due: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(reporter: EdgeReporter) {
    this.#reporter = reporter;
  }

  /** The request is under way. */
  forwarded(edge: PendingEdge): void {
    const now = Date.now();
    if (edge.reported || now - edge.route.reportedAt < KNOWN_FOR) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.report(edge, 0);
      return;
    }
    this.#waiting.push({ edge, due: now + EARLY_REPORT_AFTER });
    this.#timer ??= setTimeout(this.#sweep, EARLY_REPORT_AFTER).unref();
  }

  /** @param responseCode 0 when there is no answer */
  report(edge: PendingEdge, responseCode: number): void {
    if (edge.reported) return;
    edge.reported = true;
    const { route } = edge;
    route.reportedAt = Date.now();
    if (route.report?.responseCode !== responseCode) route.report = reportOf(edge, responseCode);
    this.#reporter.report(route.report);
  }

  /** The request turned out to be none that an edge should be learned from. */
  withdraw(edge: PendingEdge): void {
    edge.reported = true;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { edge } of this.#waiting.splice(0)) this.report(edge, 0);
  }

  readonly #sweep = (): void => {
    const now = Date.now();
    const first = this.#waiting.findIndex(({ due }) => due > now);
    for (const { edge } of this.#waiting.splice(0, first === -1 ? this.#waiting.length : first)) this.report(edge, 0);
    const next = this.#waiting[0];
    this.#timer = next === undefined ? undefined : setTimeout(this.#sweep, Math.max(1, next.due - now)).unref();
  };
}

function reportOf({ source, route }: PendingEdge, responseCode: number): ReportedEdge {
  const { authority, original } = route.destination;
  if (original === undefined) return { source, authority, responseCode };
  return { source, authority, originalDestination: { address: original.address, port: original.port }, responseCode };
}
