import * as calls from "./call.ts";

/**
 * Milliseconds after which a call that should have ended long ago is aborted, and counts as failed:
 * this shows which one hangs.
 */
const DEADLINE = 120_000;

/** How often a kind of call begins, and how many may be open at once: a further one is skipped. */
interface Kind {
  readonly call: calls.Call;
  readonly everyMs: number;
  readonly atOnce: number;
}

const KINDS: Readonly<Record<string, Kind>> = {
  "leave before the answer": { call: calls.leaveBeforeAnswer, everyMs: 50, atOnce: 16 },
  "leave during the answer": { call: calls.leaveDuringAnswer, everyMs: 500, atOnce: 4 },
  "leave during the upload": { call: calls.leaveDuringUpload, everyMs: 200, atOnce: 8 },
  upload: { call: calls.upload, everyMs: 200, atOnce: 8 },
  "read slowly": { call: calls.readSlowly, everyMs: 500, atOnce: 8 },
  "unknown host": { call: calls.callNobody, everyMs: 10, atOnce: 32 },
  WebSocket: { call: calls.echoMessages, everyMs: 100, atOnce: 16 },
  "leave an open WebSocket": { call: calls.leaveUpgraded, everyMs: 500, atOnce: 4 },
  TLS: { call: calls.callByTls, everyMs: 100, atOnce: 8 },
  "leave during the TLS handshake": { call: calls.leaveHandshake, everyMs: 500, atOnce: 4 },
  "server-sent events": { call: calls.listenToEvents, everyMs: 200, atOnce: 16 },
};

/** The outcome of the calls of one kind. */
export interface Tally {
  begun: number;
  failed: number;
  /** Why the first failed call failed. */
  reason?: string;
}

/** Callers of every kind that does not behave like a load generator. */
export class Callers {
  readonly tallies = new Map<string, Tally>();
  readonly #open = new Set<Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];

  /** Begins calls of every kind at their own pace, until `stop`. */
  start(to: calls.Destination): void {
    for (const [name, kind] of Object.entries(KINDS)) this.#repeat(to, name, kind);
  }

  /** Begins no more calls; resolves when the open ones have ended. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#open);
  }

  #repeat(to: calls.Destination, name: string, { call, everyMs, atOnce }: Kind): void {
    const tally: Tally = { begun: 0, failed: 0 };
    this.tallies.set(name, tally);
    let open = 0;
    const begin = () => {
      if (open >= atOnce) return;
      open += 1;
      tally.begun += 1;
      const ended = withinDeadline(call(to))
        .catch((error: unknown) => {
          tally.failed += 1;
          tally.reason ??= String(error);
        })
        .then(() => {
          open -= 1;
          this.#open.delete(ended);
        });
      this.#open.add(ended);
    };
    this.#timers.push(setInterval(begin, everyMs));
  }
}

async function withinDeadline(call: Promise<void>): Promise<void> {
  const given = Promise.withResolvers<never>();
  const timer = setTimeout(() => given.reject(new Error(`it has not ended after ${DEADLINE / 1_000} s`)), DEADLINE);
  try {
    await Promise.race([call, given.promise]);
  } finally {
    clearTimeout(timer);
  }
}
