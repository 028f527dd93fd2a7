import type { Duplex } from "node:stream";
import { formatAddress } from "@fenceline/api/vocabulary";

/**
 * `10.0.0.1:4711`: who a connection comes from. Undefined once it is closed, unless it was asked
 * for before.
 */
export function clientAddress(socket: Duplex): string | undefined {
  if (!("remoteAddress" in socket) || !("remotePort" in socket) || typeof socket.remoteAddress !== "string") return undefined;
  const { remoteAddress, remotePort } = socket;
  return formatAddress(remoteAddress, Number(remotePort));
}
