import assert from "node:assert/strict";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import { percentile } from "../mesh/figures.ts";
import type { Report } from "../suite.ts";
import type { Scene } from "./scene.ts";

const WEB_SOCKETS = 10;
/** A message that is more than any hop buffers. */
const LONG = 2_000_000;

/** The first thing that a caller asks of a host is a WebSocket. */
export async function webSockets(report: Report, { lab, caller: { app, identity }, coldHost }: Scene): Promise<void> {
  const times: number[] = [];
  const hosts = Array.from({ length: WEB_SOCKETS }, () => `ws://${coldHost()}/`);
  await report.step(
    `${WEB_SOCKETS} first WebSockets: each opens by way of the fallback, echoes ${LONG / 1e6} MB, and ends clean`,
    async () => {
      for (const webSocket of hosts) {
        const start = performance.now();
        const socket = await app.open({ webSocket });
        assert.equal(await socket.exchange("hello"), `${FALLBACK_IDENTITY} hello`);
        times.push(performance.now() - start);
        const long = "x".repeat(LONG);
        assert.equal(await socket.exchange(long), `${FALLBACK_IDENTITY} ${long}`);
        assert.deepEqual(await socket.close(), { code: 1_000, wasClean: true });
      }
    },
  );
  report.figure("first WebSocket: opened and answered after, p50", percentile(times, 0.5), "ms");
  await report.step("they teach their hosts: the next ones go direct", async () => {
    for (const webSocket of hosts)
      await lab.until(`${webSocket} to be direct`, async () => {
        const socket = await app.open({ webSocket });
        const answer = await socket.exchange("hello");
        await socket.close();
        return answer === `${identity} hello`;
      });
  });
}
