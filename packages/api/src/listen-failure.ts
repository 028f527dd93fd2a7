import { FencelineError } from "./errors.ts";

/** What the usual errors of `listen` and of a look-up of the host mean, in words. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "no interface of this machine has the address",
  EACCES: "this user may not listen on the port",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the name server did not answer for the host name",
  EAFNOSUPPORT: "this machine does not speak that family of addresses",
};

/**
 * `LISTEN_FAILED`: the one error for every port that cannot be had, of whichever protocol.
 *
 * @param hint what to do, where the caller knows more than this: a command names its flag
 */
export function listenFailed(host: string, port: number, cause: unknown, hint = "choose another port or address"): FencelineError {
  const { code = "", message = String(cause) } = cause as NodeJS.ErrnoException;
  return new FencelineError("LISTEN_FAILED", {
    message: `cannot listen on ${formatAddress(host, port)}: ${REASONS[code] ?? message}`,
    hint,
    cause,
  });
}

/** `127.0.0.1:80`, `[::1]:80` */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
