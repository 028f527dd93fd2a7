import type { TestContext } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { Client, credentials } from "@grpc/grpc-js";
import type { Collector } from "../collector.ts";

/** What every call of a {@link openStream} goes to. */
export const CALLED = "b.test1.svc.cluster.local";

/** An access-log stream of a proxy of fence `test1/a` that stays open. */
export function openStream(t: TestContext, { accessLogPort }: Pick<Collector, "accessLogPort">, node: object = { id: "sidecar~a" }) {
  const client = new Client(`127.0.0.1:${accessLogPort}`, credentials.createInsecure());
  const asBytes = (bytes: Buffer) => bytes;
  const method = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
  const stream = client.makeClientStreamRequest(method, asBytes, asBytes, () => {});
  stream.on("error", () => {});
  const close = () => {
    stream.cancel();
    client.close();
  };
  t.after(close);
  const call = () =>
    stream.write(
      encodeAccessLogMessage({
        identifier: { logName: "fenceline/test1/a", node: { id: "", ...node } },
        entries: [{ authority: CALLED, upstreamCluster: `outbound|80||${CALLED}`, responseCode: 200, requests: 1 }],
      }),
    );
  return { call, close };
}
