import type { AddressUpdate } from "@fenceline/api/vocabulary";
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { ReportedEdge } from "../destination/reported-edge.ts";
import type { LongLivedCall } from "../report/calls-in-flight.ts";

/** All metrics of a worker at one moment. */
export type Figures = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Equal reports of one batch, and how many requests they stand for. */
export type CountedEdge = readonly [edge: ReportedEdge, requests: number];

/** Data with which a worker starts; `settings` belongs to the worker module. */
export interface WorkerStart {
  readonly host: string;
  readonly port: number;
  readonly sharing: number;
  /** Number of the worker, from 0. A replacement has the number of the one before. */
  readonly number: number;
  readonly settings: unknown;
  /**
   * Whether the worker gets the mesh's addresses. Until they arrive, only services by name are
   * forwarded to.
   */
  readonly knowsMesh: boolean;
}

/** From the main thread to a worker. */
export type ToWorker =
  /** Asks for figures. The answer also shows that the worker's event loop still runs. */
  | { readonly type: "figures" }
  /** The last batch of edges was received: the next one may follow. */
  | { readonly type: "edges taken" }
  | { readonly type: "addresses"; readonly update: AddressUpdate }
  | { readonly type: "drain"; readonly deadline: number };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  /** It could not start. `code`: that of an expected error, which the user can correct. */
  | { readonly type: "failed"; readonly message: string; readonly code?: string }
  | { readonly type: "figures"; readonly figures: Figures; readonly calls: readonly LongLivedCall[] }
  /** `dropped`: requests since the last batch for whose edge there was no room. */
  | { readonly type: "edges"; readonly edges: readonly CountedEdge[]; readonly dropped: number };
