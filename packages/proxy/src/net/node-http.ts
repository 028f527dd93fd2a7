import { createRequire } from "node:module";

/**
 * `node:http` through `require`. An `import` reads all of its exports. When `WebSocket` and the
 * like are read, Node loads its built-in undici: about 7 MB in each thread that are not used.
 */
const http: typeof import("node:http") = createRequire(import.meta.url)("node:http");

export const { createServer, IncomingMessage, ServerResponse, STATUS_CODES } = http;
