import { connect, type Socket } from "node:net";
import { Attempts } from "../forward/attempts.ts";
import { classifyFailure } from "../forward/failure.ts";
import type { Refusal } from "../refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import { UpstreamError } from "../upstream/upstream-error.ts";
import type { TunnelContext } from "./tunnel-context.ts";

/** TCP keep-alive probes after this many milliseconds, so that a tunnel to a peer that vanished does not stay for ever. */
const TCP_KEEP_ALIVE_DELAY = 60_000;

/** Hears how a dial ended: exactly one of the two, unless it was cancelled. */
export interface Dialler {
  /** The socket is half-open capable, and has no listener for errors yet. */
  onConnected(socket: Socket): void;
  onUnreachable(refusal: Refusal, cause?: Error): void;
}

/** Connects to the first endpoint that takes a connection of its own, not one of a pool. */
export class Dial {
  readonly #context: TunnelContext;
  readonly #attempts: Attempts;
  readonly #dialler: Dialler;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param addresses never empty */
  constructor(context: TunnelContext, addresses: readonly Address[], dialler: Dialler) {
    this.#context = context;
    this.#attempts = new Attempts(addresses);
    this.#dialler = dialler;
  }

  /** The endpoint of the last attempt. */
  get address(): Address | undefined {
    return this.#attempts.address;
  }

  start(): void {
    const { address } = this;
    if (address === undefined) return;
    const refusal = this.#context.checkAddress(address);
    if (refusal === undefined) this.#connect(address);
    else this.#dialler.onUnreachable(refusal);
  }

  /** Nobody waits any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect({ address, port }: Address): void {
    // The checked address as it stands: nothing is looked up here any more.
    const socket = connect({
      host: address,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY,
      allowHalfOpen: true,
    });
    const failed = (error: Error) => this.#onFailed(error);
    this.#socket = socket;
    this.#timer = setTimeout(
      () => socket.destroy(new UpstreamError("CONNECT_TIMED_OUT", "TCP did not connect in time")),
      this.#context.connectTimeout,
    );
    socket.once("error", failed).once("connect", () => {
      clearTimeout(this.#timer);
      this.#socket = undefined;
      socket.off("error", failed);
      this.#dialler.onConnected(socket);
    });
  }

  #onFailed(error: Error): void {
    clearTimeout(this.#timer);
    this.#context.observer.connectFailed();
    if (this.#attempts.mayTryNext()) this.start();
    else this.#dialler.onUnreachable(classifyFailure(error).refusal, error);
  }
}
