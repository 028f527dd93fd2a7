import type { AccessLogStream } from "@fenceline/als";
import { LineBudget } from "@fenceline/api";
import type { Logger } from "pino";
import type { EntryDropReason } from "./entry-drop-reason.ts";

/**
 * Logs that the claim of a stream is not believed: few lines for each reason, with the claim and
 * the certificate. The metric counts every entry. Texts from peers are limited in length.
 */
export function unbelievedLog(logger: Logger): (reason: EntryDropReason, stream: AccessLogStream) => void {
  const lines = new LineBudget();
  return (reason, { logName, node: { namespace }, forwardedClientCert }) => {
    const suppressed = lines.take(reason);
    if (suppressed === undefined) return;
    // Envoy's own element is the last one.
    const certificate = forwardedClientCert?.slice(-MAX_LOGGED_TEXT);
    logger.warn(
      {
        reason,
        logName: logName.slice(0, MAX_LOGGED_TEXT),
        namespace: namespace.slice(0, MAX_LOGGED_TEXT),
        certificate,
        suppressed: suppressed || undefined,
      },
      "access logs not believed",
    );
  };
}

/** At most this many characters of a text from a peer are logged. */
const MAX_LOGGED_TEXT = 256;
