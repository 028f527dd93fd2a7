/** What a probe does, as in a pod's `readinessProbe` or `livenessProbe`. */
export interface ProbeOptions {
  readonly url: string;
  /** Milliseconds between two looks. Default 1,000. */
  readonly period?: number;
  /** Milliseconds for one answer. Default 1,000. */
  readonly timeout?: number;
  /** So many noes in a row are one. Default 1. */
  readonly failureThreshold?: number;
}

/** Asks once. No answer is a no. */
export async function probe({ url, timeout = 1_000 }: Pick<ProbeOptions, "url" | "timeout">): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(timeout) })).ok;
  } catch {
    return false;
  }
}

/**
 * Asks again and again, and tells when the answer changes. It begins with a yes.
 *
 * @param tell may fail, for example while the API server is down; it is told again with the next
 * look
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
