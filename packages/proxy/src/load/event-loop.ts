import { performance } from "node:perf_hooks";

/** What an event loop did since the last sample. */
export interface LoopSample {
  /** Time of the sample, in milliseconds of `performance.now()`. */
  readonly now: number;
  /** Turns since the last sample, at least 1. */
  readonly turns: number;
  /** Mean time that one of them was busy, in milliseconds. */
  readonly turn: number;
  /** Time since the last sample for which this thread had a processor, in milliseconds. */
  readonly cpu: number;
  /**
   * How late the sample was taken, in milliseconds: everything that arrived meanwhile had to wait
   * for this time.
   */
  readonly delay: number;
}

/** Interval of samples, in milliseconds. */
const INTERVAL = 50;

/**
 * Samples this thread's event loop until the returned function is called.
 *
 * libuv itself counts turns and idle time, so a sample costs a few microseconds, whatever the load.
 * `monitorEventLoopDelay` would measure the same delay with its own timer. But it gives percentiles
 * since a reset, which cannot be added up over workers and pods, nor be read by two scrapers.
 */
export function sampleEventLoop(onSample: (sample: LoopSample) => void): () => void {
  let last = snapshot();
  const timer = setInterval(() => {
    const current = snapshot();
    const { active } = performance.eventLoopUtilization(current.utilization, last.utilization);
    const turns = Math.max(1, current.turns - last.turns);
    const delay = Math.max(0, current.now - last.now - INTERVAL);
    const cpu = current.cpu - last.cpu;
    last = current;
    onSample({ now: current.now, turns, turn: active / turns, cpu, delay });
  }, INTERVAL).unref();
  return () => clearInterval(timer);
}

function snapshot() {
  const { user, system } = process.threadCpuUsage();
  return {
    now: performance.now(),
    turns: performance.nodeTiming.uvMetricsInfo.loopCount,
    cpu: (user + system) / 1_000,
    utilization: performance.eventLoopUtilization(),
  };
}
