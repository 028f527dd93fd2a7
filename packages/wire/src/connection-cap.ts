import type { Socket } from "node:net";

/** The cap that a connection exceeds. */
export type ConnectionCapReason = "connections" | "address_connections";

/**
 * Counts the connections of a server, in all and for each address, so that no address takes them
 * all.
 */
export class ConnectionCap {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #open = 0;

  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts a connection until it closes, or returns the cap that it exceeds. */
  admit(socket: Socket): ConnectionCapReason | undefined {
    const address = socket.remoteAddress ?? "unknown";
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#open >= this.#max) return "connections";
    if (ofAddress >= this.#maxPerAddress) return "address_connections";
    this.#open++;
    this.#byAddress.set(address, ofAddress + 1);
    socket.once("close", () => this.#closed(address));
    return undefined;
  }

  #closed(address: string): void {
    this.#open--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
