import type { ServerResponse } from "node:http";
import { ApiRefusal } from "./refusal.ts";

export const JSON_TYPE = "application/json; charset=utf-8";

/** Answers must not be cached, and their type must not be guessed. */
export const COMMON_FIELDS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Sends a complete body. HEAD gets the same header as GET, without the body. */
export function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...COMMON_FIELDS });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** Sends a value as JSON that people can read. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, JSON_TYPE, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** Sends `{"code": …, "message": …}`. Any error but an {@link ApiRefusal} is our fault. */
export function sendError(response: ServerResponse, error: unknown): void {
  const { status, code, message, headers } =
    error instanceof ApiRefusal ? error : new ApiRefusal(500, "INTERNAL", error instanceof Error ? error.message : String(error));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { code, message });
}
