import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError } from "../client/api-error.ts";
import { FakeApiServer } from "../testing/fake-api-server.ts";
import type { RecordedRequest } from "../testing/scripted-answers.ts";
import { AccessReviews } from "./access-reviews.ts";

const ANNA = { username: "anna", uid: "1", groups: ["readers"], extra: { scopes: ["a"] } };
const LIST = { verb: "list", group: "g.example", resource: "things" };
const isReview = ({ path }: RecordedRequest) => path.endsWith("/subjectaccessreviews");

async function setUp(t: TestContext) {
  const server = await FakeApiServer.start(t);
  const clock = { now: 0 };
  const reviews = new AccessReviews({ api: server.api(t), noes: { burst: 5, perSecond: 1 }, clock: () => clock.now });
  const asked = () => server.requests.filter(isReview);
  server.rights.grant("anna", { ...LIST, namespace: "shop" });
  return { server, clock, reviews, asked };
}

test("issue 14: the API server is told all that it knows of the user, and what is to be done where", async (t) => {
  const { reviews, asked } = await setUp(t);
  assert.equal(await reviews.may(ANNA, { ...LIST, namespace: "shop" }), true);
  assert.equal(await reviews.may(ANNA, LIST), false, "in all namespaces");
  assert.equal(await reviews.may(ANNA, { ...LIST, verb: "get", namespace: "shop", name: "a" }), false);
  const specs = asked().map(({ body }) => (body as { spec: object }).spec);
  const user = { user: "anna", uid: "1", groups: ["readers"], extra: { scopes: ["a"] } };
  assert.deepEqual(specs, [
    { ...user, resourceAttributes: { ...LIST, namespace: "shop", name: "" } },
    { ...user, resourceAttributes: { ...LIST, namespace: "", name: "" } },
    { ...user, resourceAttributes: { ...LIST, verb: "get", namespace: "shop", name: "a" } },
  ]);
});

test("issue 14: a yes counts for ten seconds and a no for five, for the same user, groups and question only", async (t) => {
  const { server, clock, reviews, asked } = await setUp(t);
  const may = (user = ANNA) => reviews.may(user, { ...LIST, namespace: "shop" });
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => may())), Array(20).fill(true));
  assert.equal(asked().length, 1);
  server.rights.revoke("anna");
  assert.equal(await may({ ...ANNA, groups: [] }), false);
  clock.now = 9_999;
  assert.equal(await may(), true);
  clock.now = 10_000;
  assert.equal(await may(), false);
  server.rights.grant("anna", LIST);
  clock.now = 14_999;
  assert.equal(await may(), false);
  clock.now = 15_000;
  assert.equal(await may(), true);
});

test("issue 14: while the API server is away nothing new is allowed, and what it refuses to say is an error", async (t) => {
  const { server, clock, reviews } = await setUp(t);
  const may = () => reviews.may(ANNA, { ...LIST, namespace: "shop" });
  assert.equal(await may(), true);
  for (const answer of ["cut", { status: 403, body: {} }, { status: 500, body: {} }, { status: 201, body: "nonsense" }] as const) {
    const mend = server.fail(isReview, answer);
    clock.now += 10_000;
    await assert.rejects(may(), ApiError);
    mend();
  }
  for (const status of [undefined, {}, { allowed: "true" }, { allowed: true, denied: true }]) {
    clock.now += 10_000;
    server.answer(isReview, { status: 201, body: { status } });
    assert.equal(await may(), false);
  }
});

test("issue 14: a user who asks for much that he may not is limited, in time, and nobody else is", async (t) => {
  const { server, clock, reviews, asked } = await setUp(t);
  server.rights.grant("ben", LIST);
  const ask = (username: string, namespace: string) => reviews.may({ username }, { ...LIST, namespace });
  for (let index = 0; index < 5; index += 1) assert.equal(await ask("anna", `n${index}`), false);
  await assert.rejects(ask("anna", "shop"), { code: "REVIEWS_LIMITED" });
  for (let index = 0; index < 20; index += 1) assert.equal(await ask("ben", `n${index}`), true);
  assert.equal(asked().length, 25);
  clock.now = 1_000;
  assert.equal(await ask("anna", "shop"), true);
});

test("issue 14: no more than eight questions are under way, and one beyond them is refused at once", async (t) => {
  const { server, reviews, asked } = await setUp(t);
  server.fail(isReview, "silence");
  const questions = Array.from({ length: 20 }, (_, index) => reviews.may({ username: `u${index}` }, LIST));
  const outcomes = await Promise.allSettled(questions);
  const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "answered"));
  assert.deepEqual([codes.filter((code) => code === "REVIEWS_BUSY").length, codes.includes("answered"), asked().length], [12, false, 8]);
});
