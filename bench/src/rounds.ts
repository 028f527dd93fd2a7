/** What one peer did in one round. */
export interface Sample {
  /** Requests or entries per second. */
  readonly rate: number;
  /**
   * Share of the server core that the peer used, 0 to 1. Well below 1, something else was the
   * limit.
   */
  readonly cpu: number;
  /** Latency in microseconds, where there is one. */
  readonly p50?: number;
  readonly p99?: number;
}

/** One program that is measured. */
export interface Peer {
  readonly name: string;
  measure(): Promise<Sample>;
}

/** Samples of each peer by name, one per round. */
export type Rounds = ReadonlyMap<string, readonly Sample[]>;

/**
 * Measures the peers alternately: A B C, A B C, … If the machine becomes slower or faster
 * (neighbours, heat), this affects all peers, and a ratio is always between neighbours in time.
 * Round 0 does not count: compilers and connection pools warm up in it.
 */
export async function alternate(peers: readonly Peer[], rounds: number): Promise<Rounds> {
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const peer of peers) {
      const sample = await peer.measure();
      if (round > 0) samples.get(peer.name)?.push(sample);
      process.stderr.write(
        `  round ${round}/${rounds} ${peer.name}: ${Math.round(sample.rate)}/s, ${Math.round(sample.cpu * 100)} % of the core${round === 0 ? " (warm-up)" : ""}\n`,
      );
    }
  }
  return samples;
}

/** Median over the rounds of `ours / theirs` in the same round. */
export function medianRatio(ours: readonly Sample[], theirs: readonly Sample[]): number {
  return median(ours.map((sample, round) => sample.rate / (theirs[round]?.rate ?? Number.NaN)));
}

/** The middle value; the mean of the two middle ones when their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** A percentile, linear between neighbours. `share` is 0 to 1. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}
