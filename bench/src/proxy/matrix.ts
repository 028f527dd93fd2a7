import { align } from "../table.ts";
import type { RowResult, Verdict } from "./goals.ts";

/**
 * Rows × peers: requests per second in thousands, and how many times a peer's rate ours is. `—`:
 * the peer does not take part, see the README.
 */
export function matrix(results: readonly RowResult[], peers: readonly string[]): string {
  const lines = results.map(({ row, peers: measured }) => [
    row.id,
    ...peers.map((name) => cell(measured.find(({ peer }) => peer === name))),
  ]);
  return align([["thousands/s, ours is", ...peers], ...lines]);
}

function cell(measured: RowResult["peers"][number] | undefined): string {
  if (measured === undefined) return "—";
  const rate = (measured.rate / 1_000).toFixed(1);
  return measured.ratio === undefined ? rate : `${rate} ${measured.ratio.toFixed(2)}×`;
}

/** The goals as lines. */
export function goalLines(verdicts: readonly Verdict[]): string {
  return align([["goal", "measured", ""], ...verdicts.map(({ goal, measured, met }) => [goal, measured, met ? "met" : "MISSED"])]);
}
