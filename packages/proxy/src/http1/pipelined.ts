import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { headerMemory } from "../load/header-memory.ts";

/**
 * Requests of one connection that may wait for their turn; then no more are read until half of them
 * have had it.
 */
const MOST_WAITING = 100;
/** Bytes that node:http takes for a request and its response, beside the header; 1,800 measured. */
const MEMORY_PER_REQUEST = 2 * 1024;
/** The same for a body, however small: its stream and what came of it. */
const MEMORY_PER_BODY = 3 * 1024;

/** The requests of one connection that wait. */
interface Waiting {
  requests: number;
  bytes: number;
}

const behind = new WeakMap<Socket, Waiting>();

/**
 * Memory in bytes of the requests that wait behind the current one of a connection. One read may
 * bring thousands of them, and their calls have not begun, so the current call answers for them.
 */
export function pipelinedBytes(socket: Socket): number {
  return behind.get(socket)?.bytes ?? 0;
}

/**
 * The requests that came behind one that is not answered yet.
 *
 * node:http reads on while answers are outstanding, and keeps some kilobytes for each request: one
 * client that pipelines behind an answer that does not come could fill the memory with requests of
 * 27 bytes. So the connection is not read from any more, as Envoy does it from the first one on.
 */
export class PipelinedRequests {
  /**
   * @param response has no socket yet: those of the requests before it come first
   * @param begin called when its turn has come
   */
  wait(socket: Socket, response: ServerResponse, begin: () => void): void {
    const bytes = memoryOf(response.req);
    const waiting = behind.get(socket) ?? { requests: 0, bytes: 0 };
    behind.set(socket, waiting);
    waiting.requests += 1;
    waiting.bytes += bytes;
    // Each time anew, and behind what node:http has set off: it resumes the socket with every
    // request that has no body.
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
