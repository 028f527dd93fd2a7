import { type Goal, type Row as PeerRow, thousands } from "../table.ts";
import { MAIN_ROW, type Row } from "./rows.ts";

/** Most memory under 1,000 busy connections, in MB. */
const MOST_MEMORY = 120;

/** A goal, its measurement, and whether it is met. */
export interface Verdict {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** One row's figures, one entry per peer. */
export interface RowResult {
  readonly row: Row;
  readonly peers: readonly PeerRow[];
}

/**
 * Latency at the same fixed rate, half of what Envoy does at most. Medians over the rounds, in
 * microseconds.
 */
export interface LatencyResult {
  readonly rate: number;
  readonly ours: number;
  readonly envoy: number;
}

/**
 * The goals of our rate in a row: ahead of every Node proxy, and in the main row also of Envoy and
 * Go.
 */
export function goalsOf(row: Row, nodePeers: readonly string[]): Goal[] {
  const nodeGoals = nodePeers.map((peer) => ({ peer, atLeast: 1 }));
  if (row.id !== MAIN_ROW) return nodeGoals;
  return [...nodeGoals, { peer: "Envoy", atLeast: 1 }, { peer: "Go", atLeast: 1.3 }];
}

/** The verdicts of the measurements. A goal whose row or peer was left out has none. */
export function verdicts(
  rows: readonly RowResult[],
  nodePeers: readonly string[],
  latency: LatencyResult | undefined,
  memory: number | undefined,
): Verdict[] {
  const firsts = rows.flatMap((result) => firstAmong(result, nodePeers));
  const others = (rows.find(({ row }) => row.id === MAIN_ROW)?.peers ?? []).filter(({ peer }) => !nodePeers.includes(peer)).flatMap(ofPeer);
  return [
    ...firsts,
    ...others,
    ...(latency === undefined ? [] : [ofLatency(latency)]),
    ...(memory === undefined ? [] : [ofMemory(memory)]),
  ];
}

/** About the strongest of the Node proxies. */
function firstAmong({ row, peers }: RowResult, nodePeers: readonly string[]): Verdict[] {
  const [closest] = peers
    .filter(({ peer, ratio }) => nodePeers.includes(peer) && ratio !== undefined)
    .sort((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0));
  if (closest === undefined) return [];
  const { peer, ratio = 0, met = false } = closest;
  return [{ goal: `${row.id}: first among the Node proxies`, measured: `${ratio.toFixed(2)}× ${peer}`, met }];
}

function ofPeer({ peer, ratio, goal, met }: PeerRow): Verdict[] {
  if (ratio === undefined || goal === undefined || met === undefined) return [];
  return [{ goal: `${MAIN_ROW}: at least ${goal}× ${peer}`, measured: `${ratio.toFixed(2)}×`, met }];
}

function ofLatency({ rate, ours, envoy }: LatencyResult): Verdict {
  const milliseconds = (value: number) => (value / 1_000).toFixed(2);
  return {
    goal: `p99 at ${thousands(rate)}/s, half of Envoy's most, no worse than Envoy's`,
    measured: `${milliseconds(ours)} ms, Envoy ${milliseconds(envoy)} ms`,
    met: ours <= envoy,
  };
}

function ofMemory(megabytes: number): Verdict {
  return {
    goal: `at most ${MOST_MEMORY} MB under 1,000 busy connections`,
    measured: `${Math.round(megabytes)} MB`,
    met: megabytes <= MOST_MEMORY,
  };
}
