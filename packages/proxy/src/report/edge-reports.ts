import type { CallEdge } from "../calls/call.ts";
import type { EdgeSink, ReportedEdge } from "../destination/reported-edge.ts";
import type { Route } from "../destination/route.ts";

/**
 * For this many milliseconds after a report, the collector is assumed to know the edge: its next
 * requests are reported with their answers.
 */
const KNOWN_FOR = 1_000;

/**
 * Step 6: each forwarded request is reported exactly once: with its answer, with its failure, or as
 * soon as it is forwarded, if the collector may not know the edge yet. The first call to a service
 * is often the slowest one, and until the edge is learned every further call takes the detour.
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
    // Reports of a known edge are summed up, and are not about a single request.
    const isTold = requestId !== undefined && !known;
    this.#reporter.report(isTold ? { ...route.report, requestId } : route.report, known);
  }

  /** It turned out that no edge should be learned from the request. */
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
