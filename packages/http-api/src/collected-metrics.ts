/** Metrics whose values are read when they are scraped, so that nothing keeps them up to date. */
import { type Aggregator, Counter, Gauge, type Registry as MetricsRegistry } from "prom-client";

/** Values of labels, and how much is counted there. What comes twice is added up. */
export type Sample<Label extends string> = readonly [labels: Readonly<Record<Label, string | number>>, value: number];

/** What a metric is, and where its values come from. */
export interface CollectedMetric<Label extends string> {
  readonly name: string;
  readonly help: string;
  /** Of closed sets of values: no host, fence or pod is one. Default: none. */
  readonly labelNames?: readonly Label[];
  /** Asked at every scrape: one number, or one for each combination of labels. */
  readonly read: () => number | Iterable<Sample<Label>>;
}

/** @param metric its `aggregator` says what several workers show together. Default: their sum */
export function collectedGauge<Label extends string = never>(
  registry: MetricsRegistry,
  { read, labelNames = [], ...said }: CollectedMetric<Label> & { readonly aggregator?: Aggregator },
): void {
  const labels = [...labelNames];
  new Gauge<Label>({ ...said, labelNames: labels, registers: [registry], collect: filled(read) });
}

/** What is read must never go down while the process lives. */
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
