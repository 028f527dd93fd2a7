const { nodeTiming } = performance;

/** Turns of the event loop so far. Poll phase and check phase of one turn have the same number. */
export function currentTurn(): number {
  return nodeTiming.uvMetricsInfo.loopCount;
}
