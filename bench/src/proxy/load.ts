import { buildPeer } from "../go.ts";
import { BenchProcess } from "../process.ts";
import type { Sample } from "../rounds.ts";
import type { Target } from "./peers.ts";
import type { Row } from "./rows.ts";

/** Seconds of each measurement that do not count. */
const WARM_UP = 0.5;

/** What the load generator prints. */
interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends the row's load to a proxy for a while. `extra` are further options of the load generator.
 * Throws when an answer was not as it should be.
 */
export async function load(target: Target, row: Row, seconds: number, extra: readonly string[] = []): Promise<Sample> {
  const { process: child, host, ports } = target;
  const to = ["-port", String(ports[row.protocol] ?? 0), "-host", host, "-seconds", String(seconds), "-warmup", String(WARM_UP)];
  const generator = await BenchProcess.start("load generator", "rest", buildPeer("http-load"), ["load", ...to, ...row.load, ...extra]);
  const before = child.cpuMilliseconds();
  const result = await generator.answer<LoadResult>();
  const cpu = (child.cpuMilliseconds() - before) / 1_000 / (result.seconds + WARM_UP);
  if (result.errors > 0) throw new Error(`${child.name}: ${result.errors} of ${result.requests} answers were not as they should be`);
  return { rate: result.requests / result.seconds, cpu, p50: result.p50, p99: result.p99 };
}
