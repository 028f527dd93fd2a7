import { ApiRefusal } from "../refusal.ts";
import { type Guard, tokenOf, tokenRefused } from "./guard.ts";

/** Not all of 127.0.0.0/8: what Istio's Envoy hands on from others comes from 127.0.0.6 or ::6. */
const LOOPBACK: ReadonlySet<string | undefined> = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * Answers reads of our own pod only, which is where `kubectl port-forward` and `kubectl exec` come
 * from: the API server has asked whether they may. For a process that has no right to ask the API
 * server itself.
 */
export function loopbackGuard(): Guard {
  return {
    admit({ request, isRead }) {
      if (isRead && LOOPBACK.has(request.socket.remoteAddress)) return;
      throw new ApiRefusal(403, "LOOPBACK_ONLY", "this is answered to the pod itself only: use kubectl port-forward");
    },
  };
}

/** How a process on somebody's own machine knows its owner. */
export interface LocalTokenOptions {
  /** Whether a text is the token. */
  readonly matches: (text: string) => boolean;
  /** Where the token is found, for whoever lacks it. */
  readonly hint: string;
}

/**
 * Reading is for whoever reaches the port, which is loopback's by default. A call that writes needs
 * a token: any program of this machine reaches loopback, and so does a web page in its browser.
 */
export function localTokenGuard({ matches, hint }: LocalTokenOptions): Guard {
  return {
    admit({ request, isRead }) {
      if (!isRead && !matches(tokenOf(request, hint))) throw tokenRefused(hint);
    },
  };
}
