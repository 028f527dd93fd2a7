import assert from "node:assert/strict";
import { test } from "node:test";
import { isWatch, service, startInformer } from "../testing/informer-under-test.ts";
import { SERVICES } from "../testing/resources.ts";

const KEY = { namespace: "shop", name: "web" };

test("objects that come, change and go are told in order", async (t) => {
  const { server, told, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  server.put(SERVICES, service("api"));
  server.put(SERVICES, service("web", 81));
  server.remove(SERVICES, KEY);
  await until(() => told.length === 4);
  assert.deepEqual(told, ["added web 80", "added api 80", "modified web 81", "deleted web 81"]);
});

test("a change of nothing that is read is not told, and keeps the object that was known", async (t) => {
  const { server, told, informer, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  const before = informer.get(KEY);
  server.put(SERVICES, service("web", 80, { status: { loadBalancer: { ingress: [] } } }));
  await until(() => informer.get(KEY)?.resourceVersion !== before?.resourceVersion);
  assert.equal(informer.get(KEY)?.value, before?.value);
  assert.deepEqual(told, ["added web 80"]);
});

test("E3-03 a watch asks for bookmarks and for an end within five minutes", async (t) => {
  const { server, watching } = await startInformer(t);
  await watching();
  const [watch] = server.requests.filter(isWatch);
  assert.equal(watch?.query.get("allowWatchBookmarks"), "true");
  assert.equal(watch?.query.get("timeoutSeconds"), "240");
});

test("E3-03 a watch that ended after its time goes on at once from the last version, without a list", async (t) => {
  const { server, clock, told, until, watching } = await startInformer(t);
  await watching();
  const web = server.put(SERVICES, service("web"));
  await until(() => told.length === 1);
  clock.advance(240_000);
  server.endWatches(SERVICES);
  await until(() => server.count("watch", SERVICES) === 2);
  assert.equal(server.requests.filter(isWatch)[1]?.query.get("resourceVersion"), web.metadata.resourceVersion);
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-03 what happens while no watch is open is told by the next one", async (t) => {
  const { server, clock, told, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  server.endWatches(SERVICES, "cut");
  server.remove(SERVICES, KEY);
  server.put(SERVICES, service("api"));
  clock.advance(await clock.pauseBelow(5_000));
  await until(() => told.length === 3);
  assert.deepEqual(told, ["added web 80", "deleted web 80", "added api 80"]);
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-03 a bookmark moves the version from which the next watch goes on", async (t) => {
  const { server, clock, informer, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  server.bookmark(SERVICES);
  server.compact();
  server.put(SERVICES, service("api"));
  await until(() => informer.objects().length === 2);
  server.bookmark(SERVICES);
  server.compact();
  clock.advance(60_000);
  server.endWatches(SERVICES);
  await until(() => server.openWatches(SERVICES) === 1 && server.count("watch", SERVICES) === 2);
  assert.equal(informer.health().counts.gone, 0);
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-03 an event that comes twice, or after a later one, is told once", async (t) => {
  const { server, told, until, watching } = await startInformer(t);
  await watching();
  const first = server.put(SERVICES, service("web", 80));
  server.put(SERVICES, service("web", 81));
  server.sendEvent(SERVICES, "MODIFIED", first);
  server.put(SERVICES, service("end"));
  await until(() => told.includes("added end 80"));
  assert.deepEqual(told, ["added web 80", "modified web 81", "added end 80"]);
});

test("E3-13 an object that was deleted and made again is another one: the old one goes first", async (t) => {
  const { server, told, informer, until, watching } = await startInformer(t, { prepare: (fake) => fake.put(SERVICES, service("web")) });
  await watching();
  const before = server.get(SERVICES, KEY);
  server.remove(SERVICES, KEY);
  server.put(SERVICES, service("web", 81));
  await until(() => told.length === 3);
  server.sendEvent(SERVICES, "DELETED", before);
  server.put(SERVICES, service("end"));
  await until(() => told.includes("added end 80"));
  assert.deepEqual(told, ["added web 80", "deleted web 80", "added web 81", "added end 80"]);
  assert.notEqual(informer.get(KEY)?.uid, before?.metadata.uid);
});

test("a watch that the server forgot to end is cut a little later, and goes on", async (t) => {
  const { server, clock, until, watching } = await startInformer(t);
  await watching();
  clock.advance(255_000);
  await until(() => server.count("watch", SERVICES) === 2);
  assert.equal(server.count("list", SERVICES), 1);
});

test("E3-03 every object is told again now and then", async (t) => {
  const { clock, told, until, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
    resyncInterval: 60_000,
  });
  await watching();
  clock.advance(60_000);
  await until(() => told.length === 2);
  assert.deepEqual(told, ["added web 80", "resync web 80"]);
});

test("an informer that stops closes its watch and tells nothing more", async (t) => {
  const { server, told, informer, until, watching } = await startInformer(t);
  await watching();
  await informer.stop();
  await until(() => server.openWatches(SERVICES) === 0);
  server.put(SERVICES, service("web"));
  assert.deepEqual(told, []);
});

test("the answer to a write of ours is known at once, and its event is not told again", async (t) => {
  const { server, told, informer, until, watching } = await startInformer(t);
  await watching();
  const web = { ...server.put(SERVICES, service("web")) };
  informer.absorb(web);
  assert.deepEqual(told, ["added web 80"]);
  server.put(SERVICES, service("end"));
  await until(() => told.includes("added end 80"));
  assert.deepEqual(told, ["added web 80", "added end 80"]);
});

test("an answer that the watch has overtaken does not bring back what was deleted since", async (t) => {
  const { server, told, informer, until, watching } = await startInformer(t);
  await watching();
  const web = server.put(SERVICES, service("web"));
  server.remove(SERVICES, KEY);
  await until(() => told.length === 2);
  informer.absorb(web);
  assert.deepEqual(informer.objects(), []);
});
