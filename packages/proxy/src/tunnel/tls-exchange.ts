import type { Socket } from "node:net";
import { Call, type ConnectionExchange, type ConnectionPipeline } from "../calls/call.ts";
import type { HeldConnection } from "../calls/lifecycle.ts";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import type { Listed } from "../calls/unordered-list.ts";
import { onTunnelClientEnded } from "../http1/half-closed.ts";
import type { UnfinishedHeaders } from "../http1/unfinished-headers.ts";
import { clientAddress, linger } from "../net/client-socket.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import { ClientHelloReader } from "./client-hello-reader.ts";
import { Dial, type Dialler } from "./dial.ts";
import { EarlyBytes } from "./early-bytes.ts";
import type { OpenHellos } from "./open-hellos.ts";
import { sent, splice, unsent } from "./splice.ts";
import { alertFor } from "./tls-alert.ts";
import type { TunnelContext } from "./tunnel-context.ts";

/** What all TLS connections share. */
export interface TlsContext extends TunnelContext {
  readonly pipeline: ConnectionPipeline;
  /** Is told of connections that never became a call. */
  readonly listener: ListenerObserver;
  /** Milliseconds in which the ClientHello must arrive completely. */
  readonly helloTimeout: number;
  /** Port to which the connections are forwarded. */
  readonly port: number;
  readonly hellos: OpenHellos;
  /** Has the incomplete hellos. */
  readonly unfinished: UnfinishedHeaders;
}

const LOOPED = new Refusal("LOOP", "the same ClientHello is under way already: the destination leads back to the global sidecar");
const NO_HELLO = new Refusal("REQUEST_TIMED_OUT", "the ClientHello did not arrive in time");
const NO_MEMORY = new Refusal("REQUEST_TIMED_OUT", "the ClientHello is not whole, and the memory is used up");

/**
 * A TLS connection that is passed through: the destination shows its own certificate, and the proxy
 * reads only the server name.
 *
 * There is no header with the source, so it is forwarded only within the mesh, and never reported.
 * If our own names and addresses do not show a loop (a load balancer in front of us, a proxy that
 * leads back), the ClientHello does: it comes back unchanged.
 */
class TlsExchange implements ConnectionExchange, Dialler, HeldConnection, Listed {
  readonly call: Call;
  readonly kind = "tls";
  position = -1;

  readonly #context: TlsContext;
  readonly #client: Socket;
  readonly #held: EarlyBytes;
  /** Until its hello is complete, or refused. */
  #hello: ClientHelloReader | undefined = new ClientHelloReader();
  readonly #timer: NodeJS.Timeout;
  /** Kept, because a closed socket does not have it. */
  readonly #from: string | undefined;
  #dial: Dial | undefined;
  #destination: Socket | undefined;
  #begun = false;
  /** Its entry in {@link OpenHellos}. */
  #random: string | undefined;

  /** @param client a connection of which nothing was read, or everything was put back */
  constructor(context: TlsContext, client: Socket) {
    this.call = new Call(this, context.observer);
    this.#context = context;
    this.#client = client;
    this.#from = clientAddress(client);
    // Each direction ends by itself, whatever the server has set that accepted the connection.
    client.allowHalfOpen = true;
    // An error is followed by a close, which is handled.
    client.on("error", () => {}).on("close", () => this.#onClientClosed());
    this.#timer = setTimeout(() => this.#refuseHello(NO_HELLO), context.helloTimeout);
    this.#held = new EarlyBytes(client, Buffer.alloc(0), () => this.#onClientEnded());
    client.on("data", this.#onData);
    context.lifecycle.hold(this);
    context.unfinished.addBeginning(this);
  }

  get address(): Address | undefined {
    return this.#dial?.address;
  }

  get client(): string | undefined {
    return this.#from;
  }

  connect(addresses: readonly Address[]): void {
    if (this.call.done) return;
    this.#dial = new Dial(this.#context, addresses, this);
    this.#dial.start();
  }

  refuse(refusal: Refusal): void {
    this.#held.take();
    this.#client.write(alertFor(refusal.code));
    linger(this.#client);
  }

  get heldBytes(): number {
    return this.#held.bytes + (this.#hello?.heldBytes ?? 0) + unsent(this.#client) + unsent(this.#destination);
  }

  get takenBytes(): number {
    return sent(this.#client) + sent(this.#destination);
  }

  giveUp(refusal: Refusal): void {
    if (this.#hello !== undefined) {
      this.#refuseHello(NO_MEMORY);
      return;
    }
    this.call.giveUp(refusal);
    this.cut();
  }

  cut(): void {
    this.#client.resetAndDestroy();
  }

  onConnected(destination: Socket): void {
    this.#destination = destination;
    this.call.connected();
    for (const chunk of this.#held.take()) destination.write(chunk);
    splice(this.#client, destination, this.#context.idleTimeout);
  }

  readonly #onData = (bytes: Buffer): void => {
    const hello = this.#hello;
    const name = hello?.read(bytes);
    if (hello === undefined || name === undefined) return;
    if (name instanceof Refusal) {
      this.#refuseHello(name);
      return;
    }
    if (!this.#context.hellos.add(hello.random)) {
      this.#refuseHello(LOOPED);
      return;
    }
    this.#endHello();
    this.#random = hello.random;
    this.#begun = true;
    this.#context.pipeline(this, `${name}:${this.#context.port}`);
  };

  /** An incomplete hello cannot be answered. */
  #onClientEnded(): void {
    if (this.#begun) onTunnelClientEnded(this.#client, () => this.call.answered);
    else this.#client.destroy();
  }

  #refuseHello(refusal: Refusal): void {
    this.#endHello();
    this.call.complete();
    this.#context.listener.refused(refusal, { client: this.client });
    this.refuse(refusal);
  }

  #endHello(): void {
    clearTimeout(this.#timer);
    this.#hello = undefined;
    this.#context.unfinished.deleteBeginning(this);
    this.#client.off("data", this.#onData);
  }

  #onClientClosed(): void {
    this.#endHello();
    this.#context.lifecycle.release(this);
    if (this.#random !== undefined) this.#context.hellos.delete(this.#random);
    const left = this.call.leave();
    if (!this.call.answered) this.#dial?.leave();
    if (this.#begun) this.call.close();
    else if (left) this.#context.listener.left({ client: this.#from, cause: "in the midst of its ClientHello" });
  }
}

/** What to do with a connection whose first byte is that of a TLS record, 0x16. */
export function createTlsPassThrough(context: TlsContext): (socket: Socket) => void {
  return (socket) => {
    new TlsExchange(context, socket);
  };
}
