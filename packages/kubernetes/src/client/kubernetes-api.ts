import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Clock, monotonicClock } from "../clock.ts";
import { ApiError, readStatus, retryAfterMs } from "./api-error.ts";
import { Credentials } from "./credentials.ts";
import { Reachability } from "./reachability.ts";

/** One request to the API server. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Media type of the answer. Default `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Settings of a {@link KubernetesApi}. */
export interface KubernetesApiOptions {
  readonly clock?: Clock;
  /** Longest wait for an answer, or for the head of a stream, in milliseconds. Default 30 000. */
  readonly requestTimeout?: number;
}

/**
 * Largest answer that is accepted, in bytes. A page of 500 objects at etcd's limit of 1.5 MB each
 * would be larger, but is no real case.
 */
const LARGEST_ANSWER = 256 * 1_024 * 1_024;
/**
 * TCP keep-alive notices a dead peer after this idle time, in milliseconds, and some ten probes a
 * second apart.
 */
const KEEP_ALIVE = 20_000;

/**
 * The API server over HTTP: JSON requests, and streams for watches. Every failure is an
 * {@link ApiError}.
 */
export class KubernetesApi {
  readonly #credentials: Credentials;
  /** Whether the server answers at all. */
  readonly reachability: Reachability = new Reachability();
  readonly #closed = new AbortController();
  readonly #requestTimeout: number;

  /** @param load reads the configuration; called again when the server refuses our credentials */
  constructor(load: () => KubeConfig, { clock = monotonicClock, requestTimeout = 30_000 }: KubernetesApiOptions = {}) {
    this.#credentials = new Credentials(load, clock);
    this.#requestTimeout = requestTimeout;
  }

  /**
   * Sends a request and reads the whole answer. Undefined when it has no body.
   *
   * @throws {ApiError} for every status but 2xx, when there is no answer in time, and when it is
   * not JSON
   */
  async json(request: ApiRequest): Promise<unknown> {
    const signal = this.#signal(request, AbortSignal.timeout(this.#requestTimeout));
    try {
      const response = await this.#accepted(request, signal);
      const text = await readText(response);
      return text === "" ? undefined : JSON.parse(text);
    } catch (cause) {
      throw asApiError(request, cause);
    }
  }

  /**
   * Opens a stream. Resolves when the server has accepted it. The stream ends when the server or
   * the request's signal ends it.
   *
   * @throws {ApiError} for every status but 2xx, and when there is no answer in time
   */
  async stream(request: ApiRequest): Promise<IncomingMessage> {
    const opening = new AbortController();
    const timer = setTimeout(() => opening.abort(new Error("no answer in time")), this.#requestTimeout).unref();
    const signal = this.#signal(request, opening.signal);
    try {
      return await this.#accepted(request, signal);
    } catch (cause) {
      throw asApiError(request, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes every connection. Requests under way fail, and so does every later one, at once. */
  close(): void {
    this.#closed.abort(new Error("closed"));
    this.#credentials.close();
  }

  /** Aborted by {@link close}. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  #signal({ signal }: ApiRequest, timeout: AbortSignal): AbortSignal {
    return AbortSignal.any([this.#closed.signal, timeout, ...(signal === undefined ? [] : [signal])]);
  }

  async #accepted(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(request, signal);
    if (response.statusCode !== 401) return accept(request, response);
    response.resume();
    if (!this.#credentials.reload()) return accept(request, response);
    return accept(request, await this.#send(request, signal));
  }

  async #send(
    { method, path, query = {}, body, contentType = "application/json", accept = "application/json", signal: given }: ApiRequest,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { server, options } = await this.#credentials.access();
    const url = new URL(server.replace(/\/$/, "") + path);
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, value);
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      ...(options.headers as Readonly<Record<string, string>> | undefined),
      accept,
      "user-agent": "fenceline",
      ...(payload !== undefined && { "content-type": contentType, "content-length": String(payload.length) }),
    };
    const send = url.protocol === "http:" ? plainRequest : secureRequest;
    return new Promise((resolve, reject) => {
      const outgoing = send(url, { ...options, method, headers, signal });
      outgoing.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE));
      outgoing.on("response", (response) => {
        this.reachability.answered(response.statusCode ?? 0);
        resolve(response);
      });
      outgoing.on("error", (error) => {
        if (!this.closed.aborted && given?.aborted !== true) this.reachability.failed();
        reject(error);
      });
      outgoing.end(payload);
    });
  }
}

/** Accepts 2xx. Everything else becomes an error with the server's message. */
async function accept(request: ApiRequest, response: IncomingMessage): Promise<IncomingMessage> {
  const { statusCode: status = 0, statusMessage, headers } = response;
  if (status >= 200 && status < 300) return response;
  const { message, retryAfter } = readStatus(parseOrNothing(response.readableFlowing ? "" : await readText(response)));
  throw new ApiError({
    request: describe(request),
    status,
    message: `${status} ${message ?? statusMessage ?? ""}`.trimEnd(),
    retryAfter: retryAfterMs(headers["retry-after"], Date.now()) ?? retryAfter,
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new Error(`the answer is larger than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asApiError(request: ApiRequest, cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  return new ApiError({ request: describe(request), status: 0, message: cause instanceof Error ? cause.message : String(cause), cause });
}

function describe({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}
