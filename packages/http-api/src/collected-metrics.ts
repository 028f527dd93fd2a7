/** Metrics whose values are read at each scrape, so that nothing has to keep them up to date. */
import { type Aggregator, Counter, Gauge, type Registry as MetricsRegistry } from "prom-client";

/** Values of labels, and the number for them. Repeated ones are added up. */
export type Sample<Label extends string> = readonly [labels: Readonly<Record<Label, string | number>>, value: number];

/** A metric, and the source of its values. */
export interface CollectedMetric<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** Labels with closed sets of values: no hosts, fences or pods. Default: none. */
  readonly labelNames?: readonly Label[];
  /** Called at every scrape: one number, or one for each combination of labels. */
  readonly read: () => number | Iterable<Sample<Label>>;
}

/**
 * @param metric its `aggregator` says how values of several workers are combined. Default: their
 * sum
 */
export function collectedGauge<Label extends string = never>(
  registry: MetricsRegistry,
  { read, labelNames = [], ...said }: CollectedMetric<Label> & { readonly aggregator?: Aggregator },
): void {
  const labels = [...labelNames];
  new Gauge<Label>({ ...said, labelNames: labels, registers: [registry], collect: filled(read) });
}

/** The value must never decrease during the life of the process. */
export function collectedCounter<Label extends string = never>(
  registry: MetricsRegistry,
  { read, labelNames = [], ...said }: CollectedMetric<Label>,
): void {
  const labels = [...labelNames];
  new Counter<Label>({ ...said, labelNames: labels, registers: [registry], collect: filled(read) });
}

interface Metric<Label extends string> {
  reset(): void;
  inc(value: number): void;
  inc(labels: Readonly<Record<Label, string | number>>, value: number): void;
}

function filled<Label extends string>(read: CollectedMetric<Label>["read"]) {
  return function collect(this: Metric<Label>): void {
    const values = read();
    this.reset();
    if (typeof values === "number") this.inc(values);
    else for (const [labels, value] of values) this.inc(labels, value);
  };
}
