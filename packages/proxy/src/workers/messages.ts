import type { AddressUpdate } from "@fenceline/api/vocabulary";
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { ReportedEdge } from "../destination/reported-edge.ts";
import type { LongLivedCall } from "../report/calls-in-flight.ts";

/** All metrics of a worker at one moment. */
export type Figures = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Equal reports of one batch, and how many requests they stand for. */
export type CountedEdge = readonly [edge: ReportedEdge, requests: number];

/** What a worker is started with; `settings` is the worker module's own. */
export interface WorkerStart {
  readonly host: string;
  readonly port: number;
  readonly sharing: number;
  /** Which of the workers it is, from 0; a replacement has the number of the one before. */
  readonly number: number;
  readonly settings: unknown;
  /**
   * Whether the mesh's addresses are told: until they are, nothing but services by name is
   * forwarded to.
   */
  readonly knowsMesh: boolean;
}

/** From the main thread to a worker. */
export type ToWorker =
  /** Send your figures: also how the main thread sees that the worker's event loop still turns. */
  | { readonly type: "figures" }
  /** The last batch of edges was taken: the next one may come. */
  | { readonly type: "edges taken" }
  | { readonly type: "addresses"; readonly update: AddressUpdate }
  | { readonly type: "drain"; readonly deadline: number };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  /** It could not start. `code`: of a fault that we foresaw, and that is the user's to mend. */
  | { readonly type: "failed"; readonly message: string; readonly code?: string }
  | { readonly type: "figures"; readonly figures: Figures; readonly calls: readonly LongLivedCall[] }
  /** `dropped`: requests whose edge found no room since the last batch. */
  | { readonly type: "edges"; readonly edges: readonly CountedEdge[]; readonly dropped: number };
