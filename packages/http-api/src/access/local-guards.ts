import { ApiRefusal } from "../refusal.ts";
import { type Guard, tokenOf, tokenRefused } from "./guard.ts";

/**
 * Not all of 127.0.0.0/8: calls that Istio's Envoy forwards from others come from 127.0.0.6 or ::6.
 */
const LOOPBACK: ReadonlySet<string | undefined> = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * Answers only reads from our own pod. `kubectl port-forward` and `kubectl exec` come from there,
 * and the API server has authorized them. It is for a process without the right to ask the API
 * server.
 */
export function loopbackGuard(): Guard {
  return {
    admit({ request, isRead }) {
      if (isRead && LOOPBACK.has(request.socket.remoteAddress)) return;
      throw new ApiRefusal(403, "LOOPBACK_ONLY", "this is answered to the pod itself only: use kubectl port-forward");
    },
  };
}

/** How a process on a user's own machine identifies this user. */
export interface LocalTokenOptions {
  /** Whether a text is the token. */
  readonly matches: (text: string) => boolean;
  /** Where to find the token, for a caller without it. */
  readonly hint: string;
}

/**
 * Everybody who reaches the port may read; by default it is on loopback. A call that writes needs a
 * token: every program on this machine reaches loopback, and so does a web page in a browser.
 */
export function localTokenGuard({ matches, hint }: LocalTokenOptions): Guard {
  return {
    admit({ request, isRead }) {
      if (!isRead && !matches(tokenOf(request, hint))) throw tokenRefused(hint);
    },
  };
}
