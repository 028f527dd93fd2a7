import { Attempts, type ConnectionSource } from "../calls/attempts.ts";
import type { Call } from "../calls/call.ts";
import { DestinationSocket } from "../calls/destination-socket.ts";
import { classifyNoConnection } from "../calls/failure.ts";
import { asError, UpstreamError } from "../calls/upstream-error.ts";
import type { Address } from "../resolve/resolver.ts";
import type { TunnelContext } from "./tunnel-context.ts";

/** Waits for its own connection. If there is none, its call fails. */
export interface Dialler {
  readonly call: Call;
  /** The socket may be half-open, and has no error listener yet. */
  onConnected(socket: DestinationSocket): void;
}

/** Connects to the first endpoint that accepts. The connection is not from a pool. */
export class Dial implements ConnectionSource<Dialler> {
  readonly #timeout: number;
  readonly #attempts: Attempts<Dialler>;
  #socket: DestinationSocket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param addresses never empty */
  constructor(context: TunnelContext, addresses: readonly Address[], dialler: Dialler) {
    this.#timeout = context.connectTimeout;
    this.#attempts = new Attempts<Dialler>(context, this, dialler.call, dialler, addresses);
  }

  /** The endpoint of the last attempt. */
  get address(): Address | undefined {
    return this.#attempts.address;
  }

  start(): void {
    this.#attempts.begin();
  }

  acquire(address: Address, dialler: Dialler): void {
    try {
      this.#connect(address, dialler);
    } catch (error) {
      // Node throws at once if it does not even try to connect.
      this.#failed(asError(error));
    }
  }

  /** The call has ended and does not wait any more. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(address: Address, dialler: Dialler): void {
    const socket = new DestinationSocket(address, { allowHalfOpen: true });
    const failed = (error: Error) => this.#failed(error);
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(new UpstreamError("CONNECT_TIMED_OUT", "TCP did not connect in time")), this.#timeout);
    socket.once("error", failed).once("connect", () => {
      clearTimeout(this.#timer);
      this.#socket = undefined;
      socket.off("error", failed);
      dialler.onConnected(socket);
    });
  }

  #failed(error: Error): void {
    clearTimeout(this.#timer);
    this.#attempts.onNoConnection(classifyNoConnection(error), error);
  }
}
