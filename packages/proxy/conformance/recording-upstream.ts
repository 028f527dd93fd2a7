import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { readStrictRequest, type StrictRequest } from "./strict-request.ts";

/**
 * A destination that reads strictly what arrives on each connection, byte for byte, and answers
 * each request.
 */
export interface RecordingUpstream {
  readonly port: number;
  /** Takes the requests that arrived since the last call. */
  takeRequests(): StrictRequest[];
  /**
   * Takes what arrived since the last call and is the beginning of no request: why, and the bytes.
   * A request that broke off with its connection is none: that is how a recipient learns that the
   * rest was refused.
   */
  takeFaults(): string[];
}

/** Field of each answer by which a client tells an answer of the upstream from one of the proxy. */
export const ANSWERED_BY_UPSTREAM = "x-answered-by: upstream";

/** Characters of a fault's bytes in a message. */
const MAX_SHOWN = 500;

/** Starts a recording upstream on loopback; the test's end stops it. */
export async function startRecordingUpstream(t: TestContext): Promise<RecordingUpstream> {
  let requests: StrictRequest[] = [];
  let faults: string[] = [];
  const sockets = new Set<Socket>();
  const onRequest = (request: StrictRequest) => void requests.push(request);
  const onFault = (fault: string) => void faults.push(fault);
  const server = createServer((socket) => {
    sockets.add(socket);
    record(socket, onRequest, onFault);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return {
    port: address.port,
    takeRequests() {
      const taken = requests;
      requests = [];
      return taken;
    },
    takeFaults() {
      const taken = faults;
      faults = [];
      return taken;
    },
  };
}

function record(socket: Socket, onRequest: (request: StrictRequest) => void, onFault: (fault: string) => void): void {
  let unread = "";
  const onData = (data: Buffer) => {
    unread += data.toString("latin1");
    while (unread !== "") {
      const request = readStrictRequest(unread, 0);
      if (request === "incomplete") return;
      if ("fault" in request) {
        onFault(`${request.fault} in ${JSON.stringify(unread.slice(0, MAX_SHOWN))}`);
        unread = "";
        // Answered, so that the client need not be waited for; the connection is of no use.
        socket.off("data", onData).end(answer("GET", 400, "close"), "latin1");
        return;
      }
      onRequest(request);
      unread = unread.slice(request.end);
      socket.write(answer(request.method, 200, "keep-alive"), "latin1");
    }
  };
  socket.on("data", onData).on("error", () => {});
  socket.on("end", () => socket.end());
}

function answer(method: string, status: number, connection: string): string {
  const head = `HTTP/1.1 ${status} X\r\n${ANSWERED_BY_UPSTREAM}\r\nconnection: ${connection}\r\ncontent-length: 2\r\n\r\n`;
  return method === "HEAD" ? head : `${head}ok`;
}
