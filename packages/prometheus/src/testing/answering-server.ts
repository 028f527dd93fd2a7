import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { TlsOptions } from "node:tls";

/** A query as it arrived. */
interface ReceivedQuery {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly query: string;
  readonly form: URLSearchParams;
}

export type Answering = (received: ReceivedQuery, response: ServerResponse) => void;

/** A server with scripted answers, which a real Prometheus cannot be made to give. */
export interface AnsweringServer {
  readonly url: string;
  readonly received: readonly ReceivedQuery[];
}

/** @param tls serves HTTPS with it. Default: HTTP */
export async function startAnswering(t: TestContext, answer: Answering, tls?: TlsOptions): Promise<AnsweringServer> {
  const received: ReceivedQuery[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const form = new URLSearchParams(body);
    const query: ReceivedQuery = { path: request.url ?? "", headers: request.headers, query: form.get("query") ?? "", form };
    received.push(query);
    answer(query, response);
  };
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls === undefined ? "http" : "https"}://localhost:${port}`, received };
}

/** An answer of one number, as Prometheus writes it. */
export function numberAnswer(value: string): string {
  return JSON.stringify({ status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, value] }] } });
}
