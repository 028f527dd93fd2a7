import type { Readable } from "node:stream";
import { Agent, request } from "undici";
import { type QueryAnswer, type RawAnswer, readAnswer } from "./answer.ts";
import { Credentials, type PrometheusServer } from "./credentials.ts";
import { PrometheusError } from "./prometheus-error.ts";

/** Limits of one answer. */
export interface ServerLimits {
  /** Milliseconds from the request to the end of its answer. */
  readonly timeout: number;
  /** Bytes of an answer. */
  readonly maxBytes: number;
}

/** Bytes that are read of an error: its message is shortened anyway. */
const ERROR_BYTES = 64 * 1_024;
/** Milliseconds for which an idle connection is kept: there is a query about every minute. */
const KEEP_ALIVE = 90_000;

/** Connections to a server, made with one version of the certificates. */
interface Connections {
  readonly agent: Agent;
  readonly tlsVersion: string;
}

/** One server: sends queries to it, and reads its answers. */
export class Server {
  /** Its URL, for people. */
  readonly name: string;
  readonly #url: string;
  readonly #limits: ServerLimits;
  readonly #credentials: Credentials;
  #connections: Connections | undefined;

  constructor(of: PrometheusServer, limits: ServerLimits) {
    const base = of.url.replace(/\/+$/, "");
    this.name = base;
    this.#url = `${base}/api/v1/query`;
    this.#limits = limits;
    this.#credentials = new Credentials(of, base);
  }

  /**
   * @param signal cancels the query
   * @throws {PrometheusError} when there is no answer; the reason of the signal when it was
   * cancelled
   */
  async query(text: string, signal: AbortSignal): Promise<QueryAnswer> {
    const timeout = AbortSignal.timeout(this.#limits.timeout);
    try {
      return readAnswer(await this.#post(text, AbortSignal.any([signal, timeout])));
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof PrometheusError) throw cause;
      if (timeout.aborted) throw this.#failure("timeout", `no answer within ${this.#limits.timeout / 1_000} s`, cause);
      throw this.#failure("unreachable", textOf(cause), cause);
    }
  }

  async close(): Promise<void> {
    await this.#connections?.agent.destroy();
  }

  /**
   * A query is posted, since one for a large mesh is longer than the URLs that proxies accept. The
   * server gets our timeout, so that it stops then, too.
   */
  async #post(text: string, signal: AbortSignal): Promise<RawAnswer> {
    const { headers, tls, tlsVersion } = await this.#credentials.access();
    const { statusCode, body } = await request(this.#url, {
      method: "POST",
      dispatcher: this.#agent(tls, tlsVersion),
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: new URLSearchParams({ query: text, timeout: `${this.#limits.timeout}ms` }).toString(),
      signal,
      // The signal ends the request.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: statusCode, text: await this.#read(body, statusCode), server: this.name };
  }

  async #read(body: Readable, status: number): Promise<string> {
    const isError = status !== 200;
    const most = isError ? Math.min(ERROR_BYTES, this.#limits.maxBytes) : this.#limits.maxBytes;
    const chunks: Buffer[] = [];
    let bytes = 0;
    // To leave the loop ends the connection, too.
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most && !isError) throw this.#failure("too_large", `its answer has more than ${most} bytes`, undefined);
      chunks.push(chunk);
      if (bytes > most) break;
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** Connections that were made with another certificate close after their last request. */
  #agent(tls: Agent.Options["connect"], tlsVersion: string): Agent {
    if (this.#connections?.tlsVersion === tlsVersion) return this.#connections.agent;
    void this.#connections?.agent.close().catch(() => {});
    const agent = new Agent({ connect: { ...tls, timeout: this.#limits.timeout }, keepAliveTimeout: KEEP_ALIVE });
    this.#connections = { agent, tlsVersion };
    return agent;
  }

  #failure(failure: "timeout" | "unreachable" | "too_large", message: string, cause: unknown): PrometheusError {
    return new PrometheusError({ failure, server: this.name, message, cause });
  }
}

/** If several addresses were tried, the error has no message of its own. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join(", ");
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
