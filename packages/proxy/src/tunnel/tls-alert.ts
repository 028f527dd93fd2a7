import type { RefusalCode } from "../refusals/refusal.ts";

/** Alerts of RFC 8446 §6, which a client gets instead of a handshake. */
const DECODE_ERROR = 50;
const INTERNAL_ERROR = 80;
const UNRECOGNIZED_NAME = 112;

const ALERTS: Partial<Record<RefusalCode, number>> = {
  REQUEST_MALFORMED: DECODE_ERROR,
  HEADER_TOO_LARGE: DECODE_ERROR,
  HOST_MALFORMED: UNRECOGNIZED_NAME,
  HOST_NOT_SERVED: UNRECOGNIZED_NAME,
  DESTINATION_IS_SELF: UNRECOGNIZED_NAME,
  ADDRESS_REFUSED: UNRECOGNIZED_NAME,
  EXTERNAL_REFUSED: UNRECOGNIZED_NAME,
  PORT_NOT_DECLARED: UNRECOGNIZED_NAME,
  NO_SUCH_SERVICE: UNRECOGNIZED_NAME,
};

/**
 * The record with the fatal alert for a refusal; `internal_error` if the name is valid and the
 * destination cannot be reached.
 */
export function alertFor(code: RefusalCode): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, ALERTS[code] ?? INTERNAL_ERROR]);
}
