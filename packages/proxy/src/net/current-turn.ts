const { nodeTiming } = performance;

/**
 * Number of the event loop's current turn. Poll phase and check phase of one turn have the same
 * number.
 */
export function currentTurn(): number {
  return nodeTiming.uvMetricsInfo.loopCount;
}
