import type { AccessLogStream } from "@fenceline/als";
import type { Logger } from "pino";
import { toldLines } from "../../told-lines.ts";
import type { EntryDropReason } from "./entry-drop-reason.ts";

/**
 * Logs that the claim of a stream is not believed: few lines for each reason, with the claim and
 * the certificate. The metric counts every entry. Texts from peers are limited in length.
 */
export function unbelievedLog(logger: Logger): (reason: EntryDropReason, stream: AccessLogStream) => void {
  const lines = toldLines(logger, NOT_BELIEVED);
  return (reason, { logName, node: { namespace }, forwardedClientCert }) => {
    if (!lines.take(reason)) return;
    // Envoy's own element is the last one.
    const certificate = forwardedClientCert?.slice(-MAX_LOGGED_TEXT);
    logger.warn(
      {
        reason,
        logName: logName.slice(0, MAX_LOGGED_TEXT),
        namespace: namespace.slice(0, MAX_LOGGED_TEXT),
        certificate,
      },
      NOT_BELIEVED,
    );
  };
}

const NOT_BELIEVED = "access logs not believed";
/** At most this many characters of a text from a peer are logged. */
const MAX_LOGGED_TEXT = 256;
