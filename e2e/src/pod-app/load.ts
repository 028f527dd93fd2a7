import { httpCall, now, tcpCall } from "./call.ts";
import { GrpcStream } from "./grpc/stream.ts";
import type { Echo, GrpcCall, HttpCall, LoadCall, LoadReport, TcpCall } from "./protocol.ts";

interface Peer {
  count: number;
  firstAt: number;
  lastAt: number;
}

const KEPT_FAILURES = 100;
const KEPT_TIMES = 200_000;
/**
 * Requests in flight; those that fall due beyond it are skipped. A new path is slow at first (DNS,
 * mTLS handshakes), and with HTTP/1.1 every request that waits is one connection more on every hop:
 * without a bound, the load itself would be what is measured.
 */
const MOST_IN_FLIGHT = 32;

/** Requests at a steady rate. Ticks that the timer missed are made up for. */
export class Load {
  readonly #call: HttpCall | TcpCall | GrpcCall;
  readonly #interval: number;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #failures: { at: number; reason: string }[] = [];
  readonly #peers = new Map<string, Peer>();
  readonly #times: number[] = [];
  #due = 0;
  #sent = 0;
  #succeeded = 0;
  #failed = 0;

  constructor({ interval = 1, ...call }: LoadCall) {
    this.#call = call;
    this.#interval = interval;
    this.#timer = setInterval(() => this.#tick(), Math.max(1, interval));
  }

  /** Sends no more, and resolves when the last answer is there. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
    return this.report();
  }

  report(): LoadReport {
    const sorted = Float64Array.from(this.#times).sort();
    const percentile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
    return {
      sent: this.#sent,
      skipped: this.#due - this.#sent,
      succeeded: this.#succeeded,
      failed: this.#failed,
      failures: [...this.#failures],
      peers: [...this.#peers].map(([peer, seen]) => ({ peer, ...seen })),
      p50: percentile(0.5),
      p99: percentile(0.99),
    };
  }

  #tick(): void {
    for (const now = performance.now(); this.#start + this.#due * this.#interval <= now; this.#due++) {
      if (this.#inFlight.size >= MOST_IN_FLIGHT) continue;
      this.#sent += 1;
      const request = this.#request();
      this.#inFlight.add(request);
      void request.then(() => this.#inFlight.delete(request));
    }
  }

  async #request(): Promise<void> {
    const at = now();
    try {
      const peer = await peerBy(this.#call);
      this.#succeed(peer, at, now() - at);
    } catch (error) {
      this.#fail(at, error instanceof Error ? error.message : String(error));
    }
  }

  #succeed(peer: string, at: number, took: number): void {
    this.#succeeded += 1;
    if (this.#times.length < KEPT_TIMES) this.#times.push(took);
    const seen = this.#peers.get(peer);
    if (seen === undefined) {
      this.#peers.set(peer, { count: 1, firstAt: at, lastAt: at });
      return;
    }
    seen.count += 1;
    // Answers do not come in the order of their requests.
    seen.firstAt = Math.min(seen.firstAt, at);
    seen.lastAt = Math.max(seen.lastAt, at);
  }

  #fail(at: number, reason: string): void {
    this.#failed += 1;
    if (this.#failures.length < KEPT_FAILURES) this.#failures.push({ at, reason });
  }
}

/** By whom the answering pod saw itself called; empty over TCP. @throws when the call fails */
async function peerBy(call: HttpCall | TcpCall | GrpcCall): Promise<string> {
  if ("url" in call) return httpPeer(call);
  if ("target" in call) return grpcPeer(call);
  await tcpCall(call);
  return "";
}

/** @throws with any status but OK */
async function grpcPeer(call: GrpcCall): Promise<string> {
  const { status, details, trailers } = await GrpcStream.call(call);
  if (status !== 0) throw new Error(`gRPC status ${status}: ${details}`);
  return trailers["x-peer"] ?? "";
}

/** @throws with any status but 200 */
async function httpPeer(call: HttpCall): Promise<string> {
  const { status, body } = await httpCall(call);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body).slice(0, 200)}`);
  return (body as Partial<Echo>).peer ?? "";
}
