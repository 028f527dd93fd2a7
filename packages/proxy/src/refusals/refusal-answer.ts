import type { Refusal } from "./refusal.ts";

/**
 * Response header that carries the code of a refusal. Its presence tells an answer of the proxy
 * from one of the destination.
 */
const ERROR_HEADER = "fenceline-error";

/**
 * RFC 9110 §15.5.6 demands `Allow` on a 405, and §9.3.7 wants it on the answer to an OPTIONS.
 * Extension methods are forwarded too, but cannot be listed.
 */
const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/**
 * Seconds. The load is looked at many times a second, so it need not be longer; and Retry-After
 * knows no fractions.
 */
const RETRY_AFTER = "1";

/** The fields of a refusal's answer, as a flat list. @param body see {@link refusalBody} */
export function refusalFields(refusal: Refusal, body: string): string[] {
  return ["content-type", "application/json", "content-length", String(Buffer.byteLength(body)), ...describingFields(refusal)];
}

/** Those that say what was refused, whatever form the answer has. */
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
