import { createRequire } from "node:module";

/**
 * `node:http` by way of `require`. An `import` reads every export of it once, and among those are
 * `WebSocket` and its like, at whose first reading Node loads all of its built-in undici: about 7
 * MB in each thread, of which nothing is used here.
 */
const http: typeof import("node:http") = createRequire(import.meta.url)("node:http");

export const { createServer, IncomingMessage, ServerResponse, STATUS_CODES } = http;
