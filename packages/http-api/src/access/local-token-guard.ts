import { type Guard, tokenOf, tokenRefused } from "./guard.ts";

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
