import type { Refusal } from "./refusal.ts";

/**
 * Response header with the code of a refusal. It distinguishes an answer of the proxy from one of
 * the destination.
 */
const ERROR_HEADER = "fenceline-error";

/**
 * RFC 9110 §15.5.6 requires `Allow` in a 405, and §9.3.7 recommends it in the answer to an OPTIONS.
 * Extension methods are forwarded too, but cannot be listed.
 */
const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/**
 * Seconds. The load is sampled many times a second, so it need not be longer, and Retry-After has
 * no fractions.
 */
const RETRY_AFTER = "1";

/** The fields of a refusal's answer, as a flat list. @param body see {@link refusalBody} */
export function refusalFields(refusal: Refusal, body: string): string[] {
  return ["content-type", "application/json", "content-length", String(Buffer.byteLength(body)), ...describingFields(refusal)];
}

/** The fields that describe the refusal, whatever the form of the answer. */
export function describingFields(refusal: Refusal): string[] {
  const fields = [ERROR_HEADER, refusal.code];
  if (refusal.status === 405 || refusal.status === 200) fields.push("allow", ALLOW);
  if (refusal.code === "OVERLOADED") fields.push("retry-after", RETRY_AFTER, "x-envoy-overloaded", "true");
  if (refusal.code === "MESH_UNKNOWN") fields.push("retry-after", RETRY_AFTER);
  return fields;
}

/** The body of a refusal's answer: one line of JSON. */
export function refusalBody({ code, message }: Refusal): string {
  return `${JSON.stringify({ code, message })}\n`;
}
