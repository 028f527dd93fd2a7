import type { FenceKey } from "@fenceline/api/vocabulary";

/** One call from a fence to a host, as the collector learns it. */
export interface ReportedEdge {
  readonly source: FenceKey;
  /** Host as the caller wrote it. */
  readonly authority: string;
  readonly originalDestination?: { readonly address: string; readonly port: number };
  /** Status of the answer, the destination's or ours; 0 when there was none yet. */
  readonly responseCode: number;
  /**
   * `x-request-id` of a call to a host that the collector may not know yet, where level debug is
   * logged.
   */
  readonly requestId?: string;
}

/**
 * Where edges go. `report` never throws and never blocks: learning must not cost a request
 * anything.
 */
export interface EdgeSink {
  /**
   * @param known whether the edge was reported a moment ago, so that this report is in no hurry: it
   * only says that the edge is still in use
   */
  report(edge: ReportedEdge, known: boolean): void;
}

/** Where the edges of several workers go, each with the number of its requests. */
export interface RequestReporter {
  reportRequests(edge: ReportedEdge, requests: number): void;
}
