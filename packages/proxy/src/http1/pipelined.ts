import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { headerMemory } from "../load/header-memory.ts";

/**
 * Most requests of one connection that wait for their turn. Then no more are read until half of
 * them have had it.
 */
const MOST_WAITING = 100;
/**
 * Memory of node:http for a request and its response, in bytes, without the header; 1,800 measured.
 */
const MEMORY_PER_REQUEST = 2 * 1024;
/** The same for a body, however small: its stream and what has arrived of it. */
const MEMORY_PER_BODY = 3 * 1024;

/** The requests of one connection that wait. */
interface Waiting {
  requests: number;
  bytes: number;
}

const behind = new WeakMap<Socket, Waiting>();

/**
 * Memory in bytes of the requests that wait behind the current one of a connection. One read may
 * have thousands of them, and their calls have not begun, so they count for the current call.
 */
export function pipelinedBytes(socket: Socket): number {
  return behind.get(socket)?.bytes ?? 0;
}

/**
 * The requests behind one that is not answered yet.
 *
 * node:http reads on while answers are outstanding, and keeps some kilobytes for each request: one
 * client that pipelines behind a slow answer could fill the memory with requests of 27 bytes. So
 * the connection is not read any more, as Envoy does from the first request on.
 */
export class PipelinedRequests {
  /**
   * @param response it has no socket yet: the requests before it come first
   * @param begin called in its turn
   */
  wait(socket: Socket, response: ServerResponse, begin: () => void): void {
    const bytes = memoryOf(response.req);
    const waiting = behind.get(socket) ?? { requests: 0, bytes: 0 };
    behind.set(socket, waiting);
    waiting.requests += 1;
    waiting.bytes += bytes;
    // For each request, and after node:http's own callbacks: it resumes the socket with every
    // request without a body.
    if (waiting.requests >= MOST_WAITING) process.nextTick(() => this.#pause(socket, waiting));
    response.once("socket", () => {
      this.#leave(socket, waiting, bytes);
      begin();
    });
  }

  #pause(socket: Socket, waiting: Waiting): void {
    if (waiting.requests > MOST_WAITING / 2) socket.pause();
  }

  #leave(socket: Socket, waiting: Waiting, bytes: number): void {
    waiting.requests -= 1;
    waiting.bytes -= bytes;
    if (waiting.requests === MOST_WAITING / 2) socket.resume();
  }
}

function memoryOf({ url = "", rawHeaders, headers }: IncomingMessage): number {
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return MEMORY_PER_REQUEST + headerMemory(url, rawHeaders) + (hasBody ? MEMORY_PER_BODY : 0);
}
