import { type AttemptOwner, Attempts } from "../calls/attempts.ts";
import { DestinationSocket } from "../calls/destination-socket.ts";
import { classifyNoConnection } from "../calls/failure.ts";
import { asError, UpstreamError } from "../calls/upstream-error.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { TunnelContext } from "./tunnel-context.ts";

/** Hears how a dial ended: exactly one of the two, unless it was cancelled. */
export interface Dialler {
  /** The socket is half-open capable, and has no listener for errors yet. */
  onConnected(socket: DestinationSocket): void;
  onUnreachable(refusal: Refusal, cause?: Error): void;
}

/** Connects to the first endpoint that takes a connection of its own, not one of a pool. */
export class Dial implements AttemptOwner {
  readonly #context: TunnelContext;
  readonly #attempts: Attempts;
  readonly #dialler: Dialler;
  #cancelled = false;
  #socket: DestinationSocket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param addresses never empty */
  constructor(context: TunnelContext, addresses: readonly Address[], dialler: Dialler) {
    this.#context = context;
    this.#attempts = new Attempts(context, this, addresses);
    this.#dialler = dialler;
  }

  /** The endpoint of the last attempt. */
  get address(): Address | undefined {
    return this.#attempts.address;
  }

  /** Whether it was cancelled. */
  get done(): boolean {
    return this.#cancelled;
  }

  start(): void {
    this.#attempts.begin();
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#cancelled = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  fail(refusal: Refusal, cause?: Error): void {
    this.#dialler.onUnreachable(refusal, cause);
  }

  connectTo(address: Address): void {
    try {
      this.#connect(address);
    } catch (thrown) {
      // Node throws at once where it does not even try to connect.
      const error = asError(thrown);
      this.#attempts.onNoConnection(classifyNoConnection(error), error);
    }
  }

  #connect(address: Address): void {
    const socket = new DestinationSocket(address, { allowHalfOpen: true });
    const failed = (error: Error) => {
      clearTimeout(this.#timer);
      this.#attempts.onNoConnection(classifyNoConnection(error), error);
    };
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
}
