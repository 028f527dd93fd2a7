import { networkInterfaces } from "node:os";
import type { Address } from "../resolve/resolver.ts";

/** Addresses and ports of Fenceline itself, as far as known without the mesh. */
export interface OwnPlaces {
  /** Addresses of our own Services and pods, refused on every port. */
  readonly addresses: readonly string[];
  /** Ports on which this process listens now. */
  readonly ports: () => readonly number[];
  /**
   * Whether services may be on this machine (see ServingPolicy.allowLoopback). Then only our own
   * ports of its addresses are refused. In a pod every port is: whatever else listens there is ours
   * or our Envoy's, such as its admin port and the agent's metrics.
   */
  readonly sharesMachine: boolean;
}

/** Whether an address is our own. Addresses are compared in Node's notation. */
export function ownAddressCheck({ addresses, ports, sharesMachine }: OwnPlaces): (address: Address) => boolean {
  const ours = new Set(addresses);
  const machine = new Set(Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address)));
  return ({ address, port }) => {
    if (ours.has(address)) return true;
    const isLoopback = address.startsWith("127.") || address === "::1";
    if (!isLoopback && !machine.has(address)) return false;
    // Other ports of loopback are no service either; the check of addresses refuses them.
    return ports().includes(port) || (!sharesMachine && !isLoopback);
  };
}
