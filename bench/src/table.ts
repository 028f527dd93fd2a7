import { median, medianRatio, type Rounds, type Sample } from "./rounds.ts";

/** A goal against a peer: ours must reach `atLeast` times its rate. */
export interface Goal {
  readonly peer: string;
  readonly atLeast: number;
}

/** A program that used less of its core was not the bottleneck, and its rate has little meaning. */
const ENOUGH_CPU = 0.9;

/** One line of the result: a peer, and how many times its rate ours is. */
export interface Row {
  readonly peer: string;
  readonly rate: number;
  readonly lowest: number;
  readonly highest: number;
  readonly cpu: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly ratio?: number;
  readonly goal?: number;
  readonly met?: boolean;
}

/** Summarises the rounds: medians per peer, and the median of the per-round ratios to `ours`. */
export function summarise(rounds: Rounds, ours: string, goals: readonly Goal[]): Row[] {
  return [...rounds].map(([peer, samples]) => ({ ...medians(peer, samples), ...(peer === ours ? {} : ratio(rounds, ours, peer, goals)) }));
}

function medians(peer: string, samples: readonly Sample[]): Row {
  const rates = samples.map(({ rate }) => rate);
  const latency = (pick: (sample: Sample) => number | undefined) => median(samples.map((sample) => pick(sample) ?? Number.NaN));
  const p50 = latency((sample) => sample.p50);
  const p99 = latency((sample) => sample.p99);
  return {
    peer,
    rate: median(rates),
    lowest: Math.min(...rates),
    highest: Math.max(...rates),
    cpu: median(samples.map(({ cpu }) => cpu)),
    ...(Number.isNaN(p50) ? {} : { p50, p99 }),
  };
}

function ratio(rounds: Rounds, ours: string, peer: string, goals: readonly Goal[]): Partial<Row> {
  if (!rounds.has(ours)) return {};
  const value = medianRatio(rounds.get(ours) ?? [], rounds.get(peer) ?? []);
  const goal = goals.find((candidate) => candidate.peer === peer)?.atLeast;
  return { ratio: value, ...(goal === undefined ? {} : { goal, met: value >= goal }) };
}

/** The rows as text. */
export function format(rows: readonly Row[], unit: string): string {
  const cells = rows.map((row) => [
    row.peer,
    thousands(row.rate),
    `${thousands(row.lowest)}–${thousands(row.highest)}`,
    `${Math.round(row.cpu * 100)} %`,
    row.p50 === undefined ? "" : `${(row.p50 / 1_000).toFixed(2)} / ${((row.p99 ?? 0) / 1_000).toFixed(2)}`,
    row.ratio === undefined ? "" : `${row.ratio.toFixed(2)}×`,
    row.goal === undefined ? "" : `${row.goal}× ${row.met === true ? "met" : "MISSED"}`,
  ]);
  const idle = rows.filter(({ cpu }) => cpu < ENOUGH_CPU).map(({ peer }) => peer);
  const table = align([["peer", unit, "lowest–highest", "core used", "p50 / p99 ms", "ours is", "goal"], ...cells]);
  return idle.length === 0
    ? table
    : `${table}\nwithout the whole core, because others ran on it or something else was the limit: ${idle.join(", ")}`;
}

/** Lines of cells as columns; columns that are empty below their title are left out. */
export function align(lines: readonly (readonly string[])[]): string {
  const columns = (lines[0] ?? [])
    .map((_, column) => column)
    .filter((column) => lines.slice(1).some((line) => (line[column] ?? "") !== ""));
  const widths = columns.map((column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      columns
        .map((column, at) => (line[column] ?? "").padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A figure with a comma between thousands. */
export function thousands(value: number): string {
  return Math.round(value).toLocaleString("en");
}
