import type { Socket } from "node:net";

/**
 * The connections that a server may hold, in all and for each address.
 *
 * Whoever comes is taken, and where no place is left another connection is closed: a probe must be
 * answered though somebody, from its own address or from many, holds every place. It sends its
 * request at once and is answered at once, so it is never the one that waits longest.
 */
export class OpenConnections {
  readonly #max: number;
  readonly #maxPerAddress: number;
  /** Those of each address, the one whose last answer is longest ago first. */
  readonly #byAddress = new Map<string, Set<Socket>>();
  readonly #inAnswer = new Set<Socket>();
  #open = 0;

  /** @param max at least 1 */
  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Counts a connection until it closes. */
  take(socket: Socket): void {
    const address = socket.remoteAddress ?? "unknown";
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress !== undefined && ofAddress.size >= this.#maxPerAddress) this.#close(ofAddress);
    else if (this.#open >= this.#max) this.#close(this.#most());
    this.#open += 1;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? new Set()).add(socket));
    socket.once("close", () => this.#leave(address, socket));
  }

  /** Its request is being answered: it goes only where all of its address are. */
  beginsAnswer(socket: Socket): void {
    this.#inAnswer.add(socket);
  }

  /** Its answer has been sent. */
  endsAnswer(socket: Socket): void {
    this.#inAnswer.delete(socket);
    const ofAddress = this.#byAddress.get(socket.remoteAddress ?? "unknown");
    if (ofAddress?.delete(socket)) ofAddress.add(socket);
  }

  /** Those of the address that has the most. */
  #most(): ReadonlySet<Socket> {
    let most: ReadonlySet<Socket> = new Set();
    for (const sockets of this.#byAddress.values()) if (sockets.size > most.size) most = sockets;
    return most;
  }

  #close(sockets: ReadonlySet<Socket>): void {
    const [first] = sockets;
    const waiting = [...sockets].find((socket) => !this.#inAnswer.has(socket)) ?? first;
    if (waiting === undefined) return;
    // Not when its close is told: until then newcomers of the same turn would find it here again.
    this.#leave(waiting.remoteAddress ?? "unknown", waiting);
    waiting.destroy();
  }

  #leave(address: string, socket: Socket): void {
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress?.delete(socket) !== true) return;
    this.#open -= 1;
    this.#inAnswer.delete(socket);
    if (ofAddress.size === 0) this.#byAddress.delete(address);
  }
}
