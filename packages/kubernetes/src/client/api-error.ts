import { FencelineError, LONGEST_MESSAGE, shortened } from "@fenceline/api";

const CODES: Readonly<Record<number, string>> = {
  0: "KUBERNETES_UNREACHABLE",
  401: "KUBERNETES_UNAUTHORIZED",
  403: "KUBERNETES_FORBIDDEN",
  404: "KUBERNETES_NOT_FOUND",
  409: "KUBERNETES_CONFLICT",
  410: "KUBERNETES_GONE",
  422: "KUBERNETES_INVALID",
  429: "KUBERNETES_TOO_MANY_REQUESTS",
};

/** Longest Retry-After that is respected, in milliseconds. */
const LONGEST_RETRY_AFTER = 300_000;

/** What is known about a failed request. */
export interface ApiFailure {
  /** For example `GET /api/v1/services`. */
  readonly request: string;
  /** HTTP status, or the `code` of a Status object in a watch; 0 when no answer came. */
  readonly status: number;
  readonly message: string;
  /** Milliseconds. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** The API server refused a request, or did not answer it. */
export class ApiError extends FencelineError {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  constructor({ request, status, message, retryAfter, cause }: ApiFailure) {
    super(CODES[status] ?? "KUBERNETES_REFUSED", {
      // A webhook may write a megabyte.
      message: `${request}: ${shortened(message, LONGEST_MESSAGE)}`,
      cause,
      retryAfter: retryAfter === undefined ? undefined : Math.min(LONGEST_RETRY_AFTER, Math.max(0, retryAfter)),
    });
    this.status = status;
  }
}

/** Milliseconds of a Retry-After header: seconds, or a date (RFC 9110 §10.2.3). */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** The parts of Kubernetes' `Status` object that say what went wrong. */
export function readStatus(value: unknown): { readonly code?: number; readonly message?: string; readonly retryAfter?: number } {
  if (typeof value !== "object" || value === null) return {};
  const { code, message, details } = value as { code?: unknown; message?: unknown; details?: { retryAfterSeconds?: unknown } | null };
  const seconds = details?.retryAfterSeconds;
  return {
    ...(typeof code === "number" && { code }),
    ...(typeof message === "string" && { message }),
    ...(typeof seconds === "number" && { retryAfter: seconds * 1_000 }),
  };
}

/** Whether an error is an answer of the API server with this status. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}
