import { EventEmitter, once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface Upstream {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: () => number;
}

/** A destination that speaks HTTP through node:http. */
export async function startUpstream(t: TestContext, listener: RequestListener): Promise<Upstream> {
  const server = createServer(listener);
  t.after(() => server.closeAllConnections());
  return listen(t, server);
}

/** A destination that writes what it likes on its connections. */
export async function startRawUpstream(t: TestContext, onConnection: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return listen(t, server);
}

/** A raw destination that keeps what it is sent. */
export interface RecordingUpstream extends Upstream {
  /** Resolves with all that came, once `text` is in it. */
  received(text: string): Promise<string>;
}

/**
 * A raw destination that answers every request (it looks for the end of a header) with these bytes.
 */
export async function startAnsweringUpstream(t: TestContext, answer: string): Promise<RecordingUpstream> {
  let received = "";
  const events = new EventEmitter();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      events.emit("data");
      if (chunk.includes("\r\n\r\n")) socket.write(answer, "latin1");
    });
  });
  return {
    ...upstream,
    async received(text) {
      while (!received.includes(text)) await once(events, "data");
      return received;
    },
  };
}

/**
 * A port that nobody listens on. It is below those that the kernel gives to whoever asks for any
 * port (32768 and up on Linux), or the next server of a test, the proxy itself even, might get the
 * one that was just given back.
 */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const server = createTcpServer();
    server.listen(10_000 + Math.floor(Math.random() * 20_000), "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    const port = portOf(server);
    server.close();
    await once(server, "close");
    return port;
  }
}

/** Lets a server listen on loopback until the end of the test. */
export async function listen(t: TestContext, server: Server): Promise<Upstream> {
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
  });
  return { port: portOf(server), connections: () => connections };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return address.port;
}
