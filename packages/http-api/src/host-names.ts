import { isIP } from "node:net";
import { ApiRefusal, quoted } from "./refusal.ts";

/** `host`, `host:port`, `[v6]:port`. */
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]*)(?::[0-9]{0,5})?$/;

/**
 * Refuses a request to a name that is not ours.
 *
 * A web page may point its own name at this address (DNS rebinding) and then read our answers,
 * since to the browser they are of the page's origin. It cannot change the Host that the browser
 * sends. Addresses are allowed: the kubelet, Prometheus and `kubectl port-forward` use them, and
 * DNS rebinding needs a name. A request of HTTP/1.0 without a Host is not from a browser.
 *
 * @param names in lower case
 * @throws {ApiRefusal} `HOST_REFUSED`
 */
export function checkHost(host: string | undefined, names: ReadonlySet<string>): void {
  if (host === undefined) return;
  const [, bare = ""] = AUTHORITY.exec(host) ?? [];
  const name = bare.toLowerCase().replace(/\.$/, "");
  if (isAddress(name) || name === "localhost" || name.endsWith(".localhost") || names.has(name)) return;
  const message = `this server is not ${quoted(host)}: call it by address, by a name of its Service, or name that host with --api-host`;
  throw new ApiRefusal(421, "HOST_REFUSED", message);
}

function isAddress(name: string): boolean {
  return name.startsWith("[") ? isIP(name.slice(1, -1)) === 6 : isIP(name) === 4;
}

/**
 * All names of a Service in cluster DNS and its search domains, from its full name
 * `<service>.<namespace>.svc.<cluster domain>`.
 */
export function serviceNames(full: string): string[] {
  const labels = full.split(".");
  return [labels.slice(0, 1), labels.slice(0, 2), labels.slice(0, 3), labels].map((some) => some.join("."));
}
