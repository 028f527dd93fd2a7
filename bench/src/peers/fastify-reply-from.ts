/**
 * The npm package `@fastify/reply-from` as a forward-by-Host proxy over undici; a second listener
 * takes HTTP/2 by prior knowledge. Towards the destination it speaks HTTP/1.1: its HTTP/2 client
 * has one fixed destination. Prints `{"port":…,"http2":…}`.
 */
import type { AddressInfo } from "node:net";
import replyFrom, { type FastifyReplyFromHooks } from "@fastify/reply-from";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { authorityOf, withoutOurHeaders } from "./forward-by-host.ts";

const HOOKS: FastifyReplyFromHooks = {
  getUpstream: ({ raw }) => `http://${authorityOf(raw.headers)}`,
  rewriteRequestHeaders: (_, headers) => withoutOurHeaders(headers),
};

async function listen(server: FastifyInstance): Promise<number> {
  // The default of 128 connections is below the 256 of the benchmark.
  await server.register(replyFrom, { undici: { connections: 1024 }, disableRequestLogging: true });
  server.removeAllContentTypeParsers();
  // Bodies go through as they come.
  server.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  server.all("/*", (_, reply: FastifyReply) => reply.from(undefined, HOOKS));
  await server.listen({ port: 0, host: "127.0.0.1" });
  return (server.server.address() as AddressInfo).port;
}

const port = await listen(fastify());
const http2 = await listen(fastify({ http2: true }) as unknown as FastifyInstance);
console.log(JSON.stringify({ port, http2 }));
