import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { Echo, HttpAnswer, HttpCall } from "../../pod-app/protocol.ts";
import { untilDirect } from "../mesh/fence.ts";
import type { Report } from "../suite.ts";
import type { Scene } from "./scene.ts";

interface Case {
  readonly title: string;
  readonly path: string;
  readonly call: Omit<HttpCall, "url">;
  /** What came through, in words. */
  told(answer: HttpAnswer): string;
}

const CASES: readonly Case[] = [
  {
    title: "fields behind the body of a request",
    path: "/",
    call: { method: "POST", bodyBytes: 1_000, trailers: { "x-sum": "1" } },
    told: ({ body }) => JSON.stringify((body as Echo).trailers),
  },
  { title: "fields behind the body of an answer", path: "/?trailers=1", call: {}, told: ({ trailers }) => JSON.stringify(trailers) },
  { title: "a 103 before the answer", path: "/?hints=1", call: {}, told: ({ interim }) => JSON.stringify(interim) },
  {
    title: "Expect: 100-continue, and the body is wanted",
    path: "/",
    call: { method: "PUT", bodyBytes: 1_000, expectContinue: true },
    told: ({ interim }) => JSON.stringify(interim),
  },
  {
    title: "Expect: 100-continue, and the body is not wanted",
    path: "/?unwanted=1",
    call: { method: "PUT", bodyBytes: 1_000, expectContinue: true },
    told: ({ status, interim }) => JSON.stringify([...interim, status]),
  },
];

/**
 * The rest of HTTP/1.1. The Envoys on either way answer or drop some of it themselves, so the
 * question is not what arrives, but whether it is the same by way of the fallback.
 */
export async function http1(report: Report, scene: Scene): Promise<void> {
  for (const one of CASES)
    await report.step(`${one.title}: the same by way of the fallback as directly`, async () => {
      const host = scene.coldHost();
      const cold = await callBy(scene, host, one);
      await untilDirect(scene.lab, scene.caller, `http://${host}/`);
      const direct = await callBy(scene, host, one);
      report.figure(`${one.title}, directly`, one.told(direct));
      assert.deepEqual(facts(cold), facts(direct));
      // A refused body has no echo to say so.
      if (cold.status === 200) assert.deepEqual([peerOf(cold), peerOf(direct)], [FALLBACK_IDENTITY, scene.caller.identity]);
    });
}

function callBy({ caller }: Scene, host: string, { path, call }: Case): Promise<HttpAnswer> {
  return caller.app.call({ url: `http://${host}${path}`, ...call });
}

function facts({ status, interim, trailers, body }: HttpAnswer): unknown {
  const echo = status === 200 ? (body as Echo) : undefined;
  return { status, interim, trailers, sent: echo?.trailers, received: echo?.received, method: echo?.method, expect: echo?.headers.expect };
}

function peerOf({ headers }: HttpAnswer): string | undefined {
  return headers["x-peer"];
}
