import type { FenceKey } from "@fenceline/api/vocabulary";

/** One call from a fence to a host, as the collector learns it. */
export interface ReportedEdge {
  readonly source: FenceKey;
  /** Host as the caller wrote it. */
  readonly authority: string;
  readonly originalDestination?: { readonly address: string; readonly port: number };
  /** Status of the answer, the destination's or ours; 0 when there is none yet. */
  readonly responseCode: number;
  /**
   * `x-request-id` of a call to a host that the collector may not know yet, where level debug is
   * logged.
   */
  readonly requestId?: string;
}

/**
 * Where edges are reported. `report` never throws and never blocks: learning must not delay a
 * request.
 */
export interface EdgeSink {
  /**
   * @param known whether the edge was reported a moment ago: then this report is not urgent, and
   * only shows that the edge is still in use
   */
  report(edge: ReportedEdge, known: boolean): void;
}

/** Where the edges of several workers are reported, each with the number of its requests. */
export interface RequestReporter {
  reportRequests(edge: ReportedEdge, requests: number): void;
}
