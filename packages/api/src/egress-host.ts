import { z } from "zod";

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const HOST = `(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*`;
const NAMESPACE_HOSTS = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?/\\*";
/** RE2 and JavaScript read it alike. */
const EGRESS_HOST = new RegExp(`^(?:${NAMESPACE_HOSTS}|${HOST})$`);
const LONGEST = 253;

/**
 * Whether a text is `<namespace>/*`, or one host name; a leading `*.` is allowed, as in an Istio
 * Sidecar.
 */
export function isEgressHost(text: string): boolean {
  return text.length <= LONGEST && EGRESS_HOST.test(text);
}

/**
 * A host as it is meant: names have no case, a trailing dot says that they are complete, and which
 * port is called does not matter for whether a host is visible.
 */
export function normalHost(text: string): string {
  return text
    .toLowerCase()
    .replace(/:\d{1,5}$/, "")
    .replace(/\.$/, "");
}

/** The host of `<namespace>/<host>`, as a Sidecar names it. */
export function hostOfEgress(egress: string): string {
  return egress.slice(egress.indexOf("/") + 1);
}

/** What {@link isEgressHost} takes. */
export const EgressHostKey = z
  .string()
  .max(LONGEST)
  .regex(EGRESS_HOST, "not a host: use <service>.<namespace>.svc.cluster.local, <namespace>/* or an external name");
