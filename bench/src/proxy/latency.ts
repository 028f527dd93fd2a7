import { alternate, median, type Peer } from "../rounds.ts";
import type { Settings } from "../settings.ts";
import type { LatencyResult } from "./goals.ts";
import { load } from "./load.ts";
import type { Target } from "./peers.ts";
import type { Row } from "./rows.ts";

/**
 * Below this share of the intended rate a proxy did not keep up, and its latency is that of a
 * growing queue.
 */
const KEPT_UP = 0.98;

/**
 * p99 of both at the same fixed rate, alternately. If a request has to wait for a connection, the
 * wait counts.
 *
 * @param peak the most requests per second that Envoy answered in this run; half of it is sent
 */
export async function latencyAtHalf(
  row: Row,
  ours: Target,
  envoy: Target,
  peak: number,
  { rounds, seconds }: Settings,
): Promise<LatencyResult> {
  const rate = Math.round(peak / 2);
  const paced = (target: Target): Peer => ({
    name: target.process.name,
    async measure() {
      const sample = await load(target, row, seconds, ["-rate", String(rate)]);
      if (sample.rate < rate * KEPT_UP) return { ...sample, p99: Number.POSITIVE_INFINITY };
      return sample;
    },
  });
  const samples = await alternate([paced(ours), paced(envoy)], rounds);
  const p99 = ({ process: { name } }: Target) => median((samples.get(name) ?? []).map((sample) => sample.p99 ?? Number.NaN));
  return { rate, ours: p99(ours), envoy: p99(envoy) };
}
