import { AGENT_PORT, READINESS_PATH } from "./agent.ts";

/** Milliseconds between two probes, and for one answer. */
const PERIOD = 1_000;

/** Asks a pod's readiness probe, by way of the agent as a kubelet has to. No answer is a no. */
export async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}:${AGENT_PORT}${READINESS_PATH}`, { signal: AbortSignal.timeout(PERIOD) })).ok;
  } catch {
    return false;
  }
}

/**
 * Probes a pod that is ready again and again, and tells when that changes.
 *
 * @param tell may fail, for example while the API server is down; it is told again with the next probe
 * @returns ends it
 */
export function followReadiness(address: string, tell: (ready: boolean) => Promise<void>): () => void {
  let told = true;
  let isEnded = false;
  let timer: NodeJS.Timeout;
  const probe = async () => {
    const ready = await isReady(address);
    if (ready !== told && !isEnded) {
      await tell(ready).then(
        () => {
          told = ready;
        },
        () => {},
      );
    }
    if (!isEnded) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => void probe(), PERIOD).unref();
  };
  schedule();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
