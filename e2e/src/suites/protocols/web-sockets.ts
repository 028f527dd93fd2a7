import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { OpenConnection } from "../../lab/pod/app.ts";
import type { WebSocketEnd } from "../../pod-app/protocol.ts";
import { percentile } from "../mesh/figures.ts";
import type { Report } from "../suite.ts";
import type { Scene } from "./scene.ts";

const WEB_SOCKETS = 10;
/** Characters of a message that is more than any hop buffers. */
const LONG = 2_000_000;

/** The first thing that a caller asks of a host is a WebSocket. */
export async function webSockets(report: Report, { lab, caller: { app, identity }, coldHost }: Scene): Promise<void> {
  const urls = Array.from({ length: WEB_SOCKETS }, () => `ws://${coldHost()}/`);
  const cold: OpenConnection<WebSocketEnd>[] = [];
  const times: number[] = [];
  await report.step(
    `${WEB_SOCKETS} first WebSockets: each opens by way of the fallback, echoes ${LONG / 1e6} MB, and ends clean`,
    async () => {
      const long = "x".repeat(LONG);
      for (const webSocket of urls) {
        const start = performance.now();
        const socket = await app.open({ webSocket });
        assert.equal(await socket.exchange("hello"), `${FALLBACK_IDENTITY} hello`);
        times.push(performance.now() - start);
        assert.equal(await socket.exchange(long), `${FALLBACK_IDENTITY} ${long}`);
        cold.push(socket);
      }
      await closeAll(cold);
    },
  );
  report.figure("first WebSocket: opened and answered after, p50", percentile(times, 0.5), "ms");
  const next: OpenConnection<WebSocketEnd>[] = [];
  await report.step("they teach their hosts: the next ones go direct", async () => {
    const isDirect = async (webSocket: string) => {
      const socket = await app.open({ webSocket });
      next.push(socket);
      return (await socket.exchange("hello")) === `${identity} hello`;
    };
    for (const webSocket of urls) await lab.until(`${webSocket} to be direct`, () => isDirect(webSocket));
    await closeAll(next);
  });
}

/**
 * Together: each Envoy on the way delays the end of a WebSocket by a second
 * (`delayed_close_timeout`), with a fence or without.
 */
export async function closeAll(sockets: readonly OpenConnection<WebSocketEnd>[]): Promise<void> {
  const ends = await Promise.all(sockets.map((socket) => socket.close()));
  for (const end of ends) assert.deepEqual(end, { code: 1_000, wasClean: true });
}
