/** Settings of a probe, as in a pod's `readinessProbe` or `livenessProbe`. */
export interface ProbeOptions {
  readonly url: string;
  /** Milliseconds between two requests. Default 1,000. */
  readonly period?: number;
  /** Milliseconds for one answer. Default 1,000. */
  readonly timeout?: number;
  /** Consecutive failures that count as one. Default 1. */
  readonly failureThreshold?: number;
}

/** Sends one request. No answer is a failure. */
export async function probe({ url, timeout = 1_000 }: Pick<ProbeOptions, "url" | "timeout">): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(timeout) })).ok;
  } catch {
    return false;
  }
}

/**
 * Probes repeatedly, and tells when the result changes. It begins with a success.
 *
 * @param tell may fail, for example while the API server is down; it is called again after the next
 * request
 * @returns ends it
 */
export function follow(options: ProbeOptions, tell: (succeeds: boolean) => Promise<void>): () => void {
  const { period = 1_000, failureThreshold = 1 } = options;
  let told = true;
  let failures = 0;
  let isEnded = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    failures = (await probe(options)) ? 0 : failures + 1;
    const succeeds = failures < failureThreshold && (failures === 0 || told);
    if (succeeds !== told && !isEnded) {
      await tell(succeeds).then(
        () => {
          told = succeeds;
        },
        () => {},
      );
    }
    if (!isEnded) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => void look(), period).unref();
  };
  schedule();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
