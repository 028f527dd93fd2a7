import type { CallEdge } from "../calls/call.ts";
import type { EdgeSink, ReportedEdge } from "../destination/reported-edge.ts";
import type { Route } from "../destination/route.ts";

/**
 * An edge reported within this many milliseconds is known to the collector: its next requests are
 * reported with their answers.
 */
const KNOWN_FOR = 1_000;

/**
 * Step 6: each forwarded request is reported exactly once: with its answer, with its failure, or,
 * where the collector may not know the edge yet, as soon as it is forwarded. A first call to a
 * service is often its slowest one, and until the edge is learned every further call takes the
 * detour.
 */
export class EdgeReports {
  readonly #reporter: EdgeSink;

  constructor(reporter: EdgeSink) {
    this.#reporter = reporter;
  }

  /** The request is under way. */
  forwarded(edge: CallEdge, requestId?: string): void {
    if (!isKnown(edge.route, performance.now())) this.report(edge, 0, requestId);
  }

  /**
   * @param responseCode 0 when there is no answer
   * @param requestId known only where level debug is logged
   */
  report(edge: CallEdge, responseCode: number, requestId?: string): void {
    if (edge.reported) return;
    edge.reported = true;
    const { route } = edge;
    const now = performance.now();
    const known = isKnown(route, now);
    route.reportedAt = now;
    if (route.report?.responseCode !== responseCode) route.report = reportOf(edge, responseCode);
    // Those of a known edge are summed up, and stand for no single request.
    const isTold = requestId !== undefined && !known;
    this.#reporter.report(isTold ? { ...route.report, requestId } : route.report, known);
  }

  /** The request turned out to be none that an edge should be learned from. */
  withdraw(edge: CallEdge): void {
    edge.reported = true;
  }
}

function isKnown({ reportedAt }: Route, now: number): boolean {
  return now - reportedAt < KNOWN_FOR;
}

function reportOf({ source, route }: CallEdge, responseCode: number): ReportedEdge {
  const { authority, original } = route.destination;
  if (original === undefined) return { source, authority, responseCode };
  return { source, authority, originalDestination: { address: original.address, port: original.port }, responseCode };
}
