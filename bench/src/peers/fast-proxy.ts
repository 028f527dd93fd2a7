/**
 * The npm package `fast-proxy` as a forward-by-Host proxy. Its undici mode has one fixed
 * destination, so it runs with its keep-alive `http.Agent`.
 */
import { fastProxy } from "fast-proxy";
import { authorityOf, serve, withoutOurHeaders } from "./forward-by-host.ts";

const { proxy } = fastProxy();
const rewriteRequestHeaders = (_: unknown, headers: Record<string, string | string[] | undefined>) => withoutOurHeaders(headers);

await serve(
  (request, response) =>
    proxy(request, response, request.url ?? "/", { base: `http://${authorityOf(request.headers)}`, rewriteRequestHeaders }),
  { http2: true },
);
