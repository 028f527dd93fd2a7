/** Time as an argument, so that tests decide when it passes. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with an arbitrary origin. */
  now(): number;
  /** Resolves after a pause in milliseconds, or as soon as the signal is aborted. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's monotonic clock. Its timers do not keep a process alive. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds).unref();
      signal?.addEventListener("abort", done, { once: true });
    }),
};
