import { createServer, type Server } from "node:net";

/**
 * A TCP server that sends every byte back. With a greeting it speaks first, as MySQL and SMTP do.
 */
export function tcpEcho(greeting = ""): Server {
  return createServer((socket) => {
    // A peer that vanishes is its own affair.
    socket.on("error", () => {});
    if (greeting !== "") socket.write(`${greeting}\n`);
    socket.pipe(socket);
  });
}
