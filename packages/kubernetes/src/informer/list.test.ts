import assert from "node:assert/strict";
import { test } from "node:test";
import { isList, service, startInformer } from "../testing/informer-under-test.ts";
import { SERVICES } from "../testing/resources.ts";

const manyServices = (count: number) => Array.from({ length: count }, (_, index) => service(`s${index}`));

test("E3-05 a large list is read page by page", async (t) => {
  const { server, informer } = await startInformer(t, {
    prepare: (fake) => {
      for (const object of manyServices(1_200)) fake.put(SERVICES, object);
    },
  });
  await informer.settled();
  assert.equal(informer.objects().length, 1_200);
  const lists = server.requests.filter(isList).map(({ query }) => [query.get("limit"), query.has("continue")]);
  assert.deepEqual(lists, [
    ["500", false],
    ["500", true],
    ["500", true],
  ]);
});

test("E3-05 a continue token that expires midway makes the list be taken again in one piece, without a loss", async (t) => {
  const { server, informer } = await startInformer(t, {
    prepare: (fake) => {
      for (const object of manyServices(700)) fake.put(SERVICES, object);
      fake.answer((request) => request.query.has("continue"), { status: 410, body: { code: 410, message: "expired" } });
    },
  });
  await informer.settled();
  assert.equal(informer.objects().length, 700);
  assert.deepEqual(
    server.requests.filter(isList).map(({ query }) => query.get("limit")),
    ["500", "500", null],
  );
});

test("E3-05 managedFields and whatever else nobody reads is not kept", async (t) => {
  const { informer } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web", 80, { status: { loadBalancer: {} } })),
  });
  await informer.settled();
  const [web] = informer.objects();
  assert.deepEqual(Object.keys(web ?? {}).sort(), ["apiVersion", "kind", "metadata", "spec"]);
  assert.deepEqual(Object.keys(web?.metadata ?? {}).sort(), ["labels", "name", "namespace", "uid"]);
});

test("a list never asks for version 0, which a server may answer with a past that we had left behind", async (t) => {
  const { server, informer } = await startInformer(t);
  await informer.settled();
  assert.deepEqual(
    server.requests.filter(isList).map(({ query }) => query.get("resourceVersion")),
    [null],
  );
});

test("an object that is not valid is counted and kept out, and the others are taken", async (t) => {
  const { informer, known, troubles } = await startInformer(t, {
    prepare: (fake) => {
      fake.put(SERVICES, service("broken", 99_999));
      fake.put(SERVICES, service("web"));
    },
  });
  await informer.settled();
  assert.deepEqual(known(), ["web 80"]);
  assert.equal(informer.health().invalid, 1);
  assert.equal(informer.health().counts.invalidVersions, 1);
  assert.match(troubles[0]?.message ?? "", /^SERVICE_INVALID: Service shop\/broken spec\.ports\[0\]\.port/);
});

test("an object that becomes invalid keeps its last valid version, until it is mended", async (t) => {
  const { server, told, known, informer, until, watching } = await startInformer(t, {
    prepare: (fake) => fake.put(SERVICES, service("web")),
  });
  await watching();
  server.put(SERVICES, service("web", 99_999));
  await until(() => informer.health().counts.invalidVersions === 1);
  assert.deepEqual(known(), ["web 80"]);
  server.put(SERVICES, service("web", 81));
  await until(() => told.includes("modified web 81"));
});
