import assert from "node:assert/strict";
import { test } from "node:test";
import { isList, isWatch, service, startInformer } from "../testing/informer-under-test.ts";
import { SERVICES } from "../testing/resources.ts";

const KEY = { namespace: "shop", name: "web" };
const status = (code: number, message = "no") => ({ status: code, body: { kind: "Status", code, message } });

test("E3-03 410 as the answer to a watch: a new list finds what changed, what is gone included", async (t) => {
  const { server, clock, told, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  clock.advance(60_000);
  server.endWatches(SERVICES);
  server.remove(SERVICES, KEY);
  server.put(SERVICES, service("api"));
  server.compact();
  await until(() => told.length === 3 && server.openWatches(SERVICES) === 1);
  assert.deepEqual(told, ["added web 80", "added api 80", "deleted web 80"]);
  assert.equal(server.count("list", SERVICES), 2);
});

test("E3-03 410 as an ERROR event: a new list finds what changed, what is gone included", async (t) => {
  const { server, clock, told, informer, until, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
  });
  await watching();
  clock.advance(60_000);
  server.sendEvent(SERVICES, "ERROR", status(410, "too old").body);
  await until(() => server.count("list", SERVICES) === 2 && server.openWatches(SERVICES) === 1);
  server.remove(SERVICES, KEY);
  await until(() => told.includes("deleted web 80"));
  assert.equal(informer.health().counts.gone, 1);
});

test("E3-03 a server that answers every watch with 410 is not asked in a loop", async (t) => {
  const { clock, server } = await startInformer(t, { prepare: (fake) => fake.answer(isWatch, ...Array(9).fill(status(410))) });
  for (const pause of [2_000, 4_000, 8_000, 16_000]) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    clock.advance(pause);
  }
  assert.ok(server.count("list", SERVICES) <= 5);
});

test("E3-03 pauses grow from one to thirty seconds, jittered, and start over after a watch that stood", async (t) => {
  const { clock, server, watching } = await startInformer(t, {
    random: () => 0.5,
    prepare: (fake) => fake.answer(isList, ...Array(7).fill("cut")),
  });
  const pauses: number[] = [];
  for (let failures = 0; failures < 7; failures += 1) {
    const pause = await clock.pauseBelow(60_000);
    pauses.push(pause);
    clock.advance(pause);
  }
  assert.deepEqual(pauses, [1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]);
  await watching();
  clock.advance(5_000);
  server.answer(isWatch, "cut");
  server.endWatches(SERVICES);
  assert.equal(await clock.pauseBelow(60_000), 1_500);
});

test("a pause ends early when another request of the process is answered: the API server is back", async (t) => {
  const { api, clock, watching } = await startInformer(t, { prepare: (fake) => fake.answer(isList, "cut", "cut", "cut") });
  for (const pause of [2_000, 4_000]) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    clock.advance(pause);
  }
  assert.equal(await clock.pauseBelow(60_000), 8_000);
  await api.json({ method: "GET", path: "/api/v1/namespaces" });
  assert.equal(await clock.pauseBelow(8_000), 500);
  clock.advance(500);
  await watching();
});

test("a watch that a proxy ends at once is not opened in a loop", async (t) => {
  const { clock, server, watching } = await startInformer(t, {
    prepare: (fake) => fake.answer(isWatch, { status: 200, body: "" }, { status: 200, body: "" }),
  });
  for (const pause of [2_000, 4_000]) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    clock.advance(pause);
  }
  await watching();
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-04 a handler that throws is counted, and the next event reaches it", async (t) => {
  const { server, told, informer, troubles, until, watching } = await startInformer(t, {
    onEvent: ({ object }) => {
      if (object.metadata.name === "bad") throw new Error("handler broke");
    },
  });
  await watching();
  server.put(SERVICES, service("bad"));
  server.put(SERVICES, service("good"));
  await until(() => told.length === 2);
  assert.equal(informer.health().counts.handlerErrors, 1);
  assert.equal(troubles[0]?.code, "HANDLER_FAILED");
  assert.equal(server.count("list", SERVICES), 1);
});

for (const [what, line] of [
  ["not JSON", '{"type":"ADDED","obj\n'],
  ["no event", '{"type":"HELLO"}\n'],
  ["null", "null\n"],
] as const) {
  test(`E3-04 a line that is ${what} is counted and forces a new list`, async (t) => {
    const { server, clock, informer, told, until, watching } = await startInformer(t);
    await watching();
    clock.advance(60_000);
    server.send(SERVICES, line);
    await until(() => server.count("list", SERVICES) === 2 && server.openWatches(SERVICES) === 1);
    assert.equal(informer.health().counts.brokenLines, 1);
    server.put(SERVICES, service("web"));
    await until(() => told.includes("added web 80"));
  });
}

test("an event that arrives in pieces, cut inside a character, is one event", async (t) => {
  const { server, informer, until, watching } = await startInformer(t);
  await watching();
  const object = { metadata: { name: "web", namespace: "shop", uid: "1", resourceVersion: "900", labels: { x: "ü" } }, spec: {} };
  const bytes = Buffer.from(`${JSON.stringify({ type: "ADDED", object })}\n`);
  const middle = bytes.indexOf(0xc3) + 1;
  server.send(SERVICES, bytes.subarray(0, middle));
  server.send(SERVICES, bytes.subarray(middle));
  await until(() => informer.objects().length === 1);
  assert.equal(informer.objects()[0]?.metadata.labels.x, "ü");
});

test("a line that is cut off by the end of the connection is no fault: the event comes again", async (t) => {
  const { server, clock, informer, told, until, watching } = await startInformer(t);
  await watching();
  clock.advance(60_000);
  server.send(SERVICES, '{"type":"ADDED","object":{"metadata":');
  server.endWatches(SERVICES);
  await until(() => server.openWatches(SERVICES) === 1 && server.count("watch", SERVICES) === 2);
  server.put(SERVICES, service("web"));
  await until(() => told.includes("added web 80"));
  assert.equal(informer.health().counts.brokenLines, 0);
});

test("E3-08 403: the kind is unavailable, says why, holds up nobody, and is tried again", async (t) => {
  const { server, clock, informer, troubles, until } = await startInformer(t, {
    prepare: (fake) => fake.answer(isList, ...Array(4).fill(status(403, "services is forbidden"))),
  });
  await informer.settled();
  await until(() => informer.health().state === "unavailable");
  assert.match(informer.health().reason ?? "", /KUBERNETES_FORBIDDEN.*services is forbidden/);
  assert.equal(informer.health().synced, false);
  for (const [index, pause] of [2_000, 4_000, 5_000, 5_000].entries()) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    assert.equal(server.count("list", SERVICES), index + 1);
    clock.advance(pause);
  }
  await until(() => informer.health().state === "watching");
  assert.equal(troubles.length, 1);
  assert.equal(informer.health().counts.failures.forbidden, 4);
});

test("E3-08 a kind whose CRD is installed long after the start is noticed within five seconds", async (t) => {
  const { clock, informer, known, until } = await startInformer(t, {
    random: () => 0.5,
    prepare: (fake) => {
      fake.put(SERVICES, service("web"));
      fake.answer(isList, ...Array(40).fill(status(404, "the server could not find the requested resource")));
    },
  });
  for (let failures = 1; failures <= 40; failures += 1) {
    const pause = await clock.pauseBelow(60_000);
    assert.ok(pause >= 1_000 && pause <= 5_000);
    assert.equal(informer.health().absent, true);
    assert.equal(informer.health().contactAge, undefined);
    clock.advance(pause);
  }
  await until(() => informer.health().state === "watching");
  assert.deepEqual(known(), ["web 80"]);
  assert.equal(informer.health().absent, false);
  assert.equal(informer.health().counts.failures.absent, 40);
});

test("the time since the last contact grows while the API server is silent, and starts over with a bookmark", async (t) => {
  const { server, clock, informer, until, watching } = await startInformer(t);
  await watching();
  clock.jump(90_000);
  assert.equal(informer.health().contactAge, 90_000);
  server.bookmark(SERVICES);
  await until(() => informer.health().contactAge === 0);
});

test("E3-08 404 after a good list (an API server that starts up, and does not know its CRDs yet) empties nothing", async (t) => {
  const { server, clock, informer, known, until, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
  });
  await watching();
  clock.advance(60_000);
  server.answer(isWatch, status(404));
  server.endWatches(SERVICES);
  assert.equal(await clock.pauseBelow(60_000), 2_000);
  assert.equal(informer.health().state, "unavailable");
  assert.deepEqual(known(), ["web 80"]);
  clock.advance(2_000);
  await until(() => informer.health().state === "watching");
});

test("E3-07 while the API server is down, what is known stays, and its return is met by no lists", async (t) => {
  const { server, clock, informer, known, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
  });
  await watching();
  clock.advance(60_000);
  server.answer(isWatch, ...Array(5).fill("cut"));
  server.endWatches(SERVICES, "cut");
  for (const pause of [2_000, 4_000, 8_000, 16_000, 30_000]) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    assert.equal(informer.health().state, "disconnected");
    assert.match(informer.health().reason ?? "", /KUBERNETES_UNREACHABLE/);
    assert.deepEqual(known(), ["web 80"]);
    clock.advance(pause);
  }
  await watching();
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-03 a server that was restored from a backup, and never reaches our version, is listed anew", async (t) => {
  const { server, clock, informer, known, until, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
  });
  await watching();
  server.answer(isWatch, ...Array(3).fill(status(504, "Too large resource version")));
  server.endWatches(SERVICES);
  for (const pause of [2_000, 4_000, 8_000, 16_000]) {
    assert.equal(await clock.pauseBelow(60_000), pause);
    clock.advance(pause);
  }
  await until(() => server.count("list", SERVICES) === 2 && informer.health().state === "watching");
  assert.deepEqual(known(), ["web 80"]);
});

test("E3-11 429 with Retry-After is left alone for as long as it asks", async (t) => {
  const { clock, informer, until } = await startInformer(t, {
    prepare: (fake) => fake.answer(isList, { ...status(429), headers: { "retry-after": "45" } }),
  });
  assert.equal(await clock.pauseBelow(60_000), 45_000);
  clock.advance(45_000);
  await until(() => informer.health().state === "watching");
});

test("a server that never answers is given up after the request's time", async (t) => {
  const { clock, troubles } = await startInformer(t, {
    client: { requestTimeout: 20 },
    prepare: (fake) => fake.answer(isList, "silence"),
  });
  await clock.pauseBelow(60_000);
  assert.equal(troubles[0]?.code, "KUBERNETES_UNREACHABLE");
});

test("an answer that is not JSON is a failure like any other", async (t) => {
  const { clock, troubles, informer, until } = await startInformer(t, {
    prepare: (fake) => fake.answer(isList, { status: 200, body: "<html>" }),
  });
  clock.advance(await clock.pauseBelow(60_000));
  await until(() => informer.health().state === "watching");
  assert.equal(troubles.length, 1);
});
