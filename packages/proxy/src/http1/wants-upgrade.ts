import type { IncomingMessage } from "node:http";

/**
 * HTTP/2 needs prior knowledge: RFC 9113 §3.1 has withdrawn this upgrade. Envoy ignores it, too.
 */
const NEVER = /(?:^|[,\s])h2c?(?:$|[,\s/])/i;

/**
 * Whether a request that asks for an upgrade gets one. If not, it is a plain request, as RFC 9110
 * §7.8 allows. llhttp has checked that it has both Upgrade and `Connection: upgrade`.
 *
 * With a body it does not: Node passes the body on as if it were the first bytes of the new
 * protocol, so each side would have to guess where the one ends and the other begins. Nor with
 * HTTP/1.0 (§7.8).
 */
export function wantsUpgrade({ rawHeaders, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1 || httpVersionMinor !== 1) return false;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase();
    const value = rawHeaders[i + 1] ?? "";
    if (name === "transfer-encoding") return false;
    if (name === "content-length" && Number(value) !== 0) return false;
    if (name === "upgrade" && (value === "" || NEVER.test(value))) return false;
  }
  return true;
}

/** The protocols that a request asks for, as it wrote them. */
export function askedProtocols({ rawHeaders }: IncomingMessage): string {
  const protocols: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === "upgrade") protocols.push(rawHeaders[i + 1] ?? "");
  }
  return protocols.join(", ");
}
