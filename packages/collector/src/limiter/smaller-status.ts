import { type LimiterCondition, type SmartLimiterStatus, shortened, withTransition } from "@fenceline/api";

/** What is removed from a status that the API server refused as too large, step by step. */
const STEPS: readonly ((status: SmartLimiterStatus) => SmartLimiterStatus)[] = [
  ({ ratelimitStatus: _slime, ...status }) => status,
  ({ metricStatus: _values, rules = [], ...status }) => ({ ...status, rules: rules.map(({ message: _message, ...rule }) => rule) }),
  ({ rules: _rules, quotas = "", ...status }) => ({ ...status, quotas: shortened(quotas, 1_024) }),
];
export const SMALLEST = STEPS.length;

/**
 * A smaller status, with a condition that says so. If conditions were not written, the former ones
 * would be wrong.
 *
 * @param steps how often the status was refused; 0 keeps everything
 * @param before conditions that were written last
 */
export function smallerStatus(
  status: SmartLimiterStatus,
  steps: number,
  before: readonly LimiterCondition[] | undefined,
  now: number,
): SmartLimiterStatus {
  if (steps === 0) return status;
  const smaller = STEPS.slice(0, steps).reduce((made, step) => step(made), status);
  const { observedGeneration } = status;
  const judgement = {
    ...({ type: "StatusComplete", status: "False", reason: "TooLarge" } as const),
    message: "the status is larger than the API server takes: values, or rules one by one, are left out. What is rendered has them",
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
  return { ...smaller, conditions: [...(status.conditions ?? []), withTransition(judgement, before, now)] };
}
