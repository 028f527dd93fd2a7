import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../lab/until.ts";
import { Load } from "../load.ts";
import { GrpcEcho } from "./echo-server.ts";
import { closeChannels, GrpcStream } from "./stream.ts";

async function start(t: TestContext): Promise<string> {
  const server = new GrpcEcho("test1/b");
  const port = await server.listen("127.0.0.1:0");
  t.after(() => {
    closeChannels();
    server.close();
  });
  return `127.0.0.1:${port}`;
}

test("a call of each kind brings its answers, and what the server received", async (t) => {
  const target = await start(t);
  const answers = async (kind: "Unary" | "ClientStreaming" | "ServerStreaming" | "Bidirectional", messages: number) => {
    const { status, trailers, headers, answers: came } = await GrpcStream.call({ target, kind, messages, bytes: 2, ask: { answers: 2 } });
    assert.deepEqual(
      [status, headers["x-pod"], trailers["x-messages"], trailers["x-bytes"]],
      [0, "test1/b", `${messages}`, `${messages * 2}`],
    );
    assert.equal(Buffer.from(trailers["x-raw-bin"] ?? "", "base64").length, 256);
    return came;
  };
  assert.deepEqual(await answers("Unary", 1), ["xx"]);
  assert.deepEqual(await answers("ClientStreaming", 3), ["xx"]);
  assert.deepEqual(await answers("ServerStreaming", 1), ["0", "1"]);
  assert.deepEqual(await answers("Bidirectional", 3), ["xx", "xx", "xx"]);
});

test("a status that was asked for comes with its details and metadata; a deadline is told, and the server hears of a cancellation", async (t) => {
  const target = await start(t);
  for (const kind of ["Unary", "ClientStreaming", "ServerStreaming", "Bidirectional"] as const) {
    const { status, details, headers, trailers } = await GrpcStream.call({ target, kind, ask: { status: 5, answers: 0 } });
    assert.deepEqual(
      [status, details, headers["x-pod"], trailers["x-pod"]],
      [5, "as asked for: ünïcode, 100 %", undefined, "test1/b"],
      kind,
    );
  }
  const left = Number((await GrpcStream.call({ target, kind: "Unary", deadline: 3_000 })).trailers["x-deadline"]);
  assert.ok(left > 2_000 && left <= 3_000, `${left} ms left`);
  assert.equal((await GrpcStream.call({ target, kind: "Unary", ask: { delay: 5_000 }, cancelAfter: 50 })).status, 1);
  await until("the server to hear of it", async () => (await GrpcStream.call({ target, kind: "Unary" })).trailers["x-cancelled"] === "1");
});

test("a long-lived stream takes one message after another until it is closed, then says that it has ended", async (t) => {
  const stream = GrpcStream.open({ target: await start(t), kind: "Bidirectional" });
  assert.deepEqual([await stream.exchange("one"), await stream.exchange("two")], ["one", "two"]);
  const { status, answers } = await stream.close();
  assert.deepEqual([status, answers], [0, ["one", "two"]]);
  await assert.rejects(stream.exchange("three"), /has ended with 0/);
});

test("a load of gRPC calls counts any status but OK as failed", async (t) => {
  const call = { target: await start(t), kind: "Unary", interval: 2 } as const;
  const [good, bad] = [new Load(call), new Load({ ...call, ask: { status: 14 } })];
  await until("five of each", () => good.report().succeeded >= 5 && bad.report().failed >= 5);
  const reports = [await good.stop(), await bad.stop()];
  assert.deepEqual([reports[0]?.failed, reports[1]?.succeeded], [0, 0]);
  assert.match(reports[1]?.failures[0]?.reason ?? "", /^gRPC status 14/);
});
