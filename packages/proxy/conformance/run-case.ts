import { connect } from "node:net";
import { ANSWERED_BY_UPSTREAM } from "./recording-upstream.ts";
import type { Server } from "./servers.ts";
import type { StrictRequest } from "./strict-request.ts";

/** What became of the bytes of one case. */
export interface Outcome {
  /**
   * Requests that reached the upstream whole, in their order; the last one, {@link LAST}, left out.
   */
  readonly forwarded: readonly StrictRequest[];
  /** What else reached the upstream and is no request. */
  readonly faults: readonly string[];
  /** Whether the request behind the case's was read as a request of its own. */
  readonly lastForwarded: boolean;
  /** Statuses of the final answers, in their order. */
  readonly statuses: readonly number[];
  /** How many of these the upstream gave. */
  readonly relayed: number;
  /** Whether the server closed the connection; if not, it waited for more until we left. */
  readonly closed: boolean;
}

const LAST_TARGET = "/last";
/**
 * Stands behind every case. It shows where the server thinks that the case's request ends, and has
 * the server close the connection, so that no time is spent on finding out that nothing more comes.
 */
const LAST = `GET ${LAST_TARGET} HTTP/1.1\r\nHost: details.bookinfo.svc.cluster.local\r\nConnection: close\r\n\r\n`;

/**
 * Milliseconds without a byte after which a server is taken to wait for more. Long beside what any
 * answer here takes, on a busy machine too.
 */
const SILENCE_MS = 2_000;

/**
 * Sends the bytes of a case and {@link LAST}, and waits for the end. One case at a time for each
 * server.
 */
export async function runCase({ port, upstream }: Server, bytes: string): Promise<Outcome> {
  const { text, closed } = await converse(port, bytes + LAST);
  const arrived = upstream.takeRequests();
  const forwarded = arrived.filter(({ target }) => target !== LAST_TARGET);
  return {
    forwarded,
    faults: upstream.takeFaults(),
    lastForwarded: forwarded.length < arrived.length,
    statuses: [...text.matchAll(/HTTP\/1\.[01] ([2-5]\d\d) /g)].map(([, status]) => Number(status)),
    relayed: text.split(ANSWERED_BY_UPSTREAM).length - 1,
    closed,
  };
}

/** Writes bytes and reads until the server closes the connection or falls silent. */
export function converse(port: number, bytes: string, silence = SILENCE_MS): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    let text = "";
    let silent = false;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.setTimeout(silence, () => {
      silent = true;
      socket.destroy();
    });
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
    });
    // A server that refuses while bytes are still under way resets the connection; what it answered
    // may be lost then, its refusal is not.
    socket.on("error", () => {});
    socket.on("close", () => resolve({ text, closed: !silent }));
    socket.write(bytes, "latin1");
  });
}
