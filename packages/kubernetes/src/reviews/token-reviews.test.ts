import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError } from "../client/api-error.ts";
import { FakeApiServer } from "../testing/fake-api-server.ts";
import type { RecordedRequest } from "../testing/scripted-answers.ts";
import { TokenReviews } from "./token-reviews.ts";

const AUDIENCE = "fenceline-collector";
const USER = "system:serviceaccount:fenceline:global-sidecar";
const isReview = ({ path }: RecordedRequest) => path.endsWith("/tokenreviews");

async function setUp(t: TestContext) {
  const server = await FakeApiServer.start(t);
  const clock = { now: 0 };
  const reviews = new TokenReviews({ api: server.api(t), audience: AUDIENCE, clock: () => clock.now });
  const asked = () => server.requests.filter(isReview).length;
  return { server, clock, reviews, asked, token: server.tokens.issue("fenceline", "global-sidecar", AUDIENCE) };
}

test("T-01 the API server says whose a token is, and is asked once in a minute, however often and at once the token is shown", async (t) => {
  const { server, clock, reviews, asked, token } = await setUp(t);
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => reviews.userOf(token))), Array(50).fill(USER));
  assert.equal(await reviews.userOf(token), USER);
  assert.equal(asked(), 1);
  server.tokens.revoke(token);
  clock.now = 59_999;
  assert.equal(await reviews.userOf(token), USER);
  clock.now = 60_000;
  assert.equal(await reviews.userOf(token), undefined);
  assert.equal(asked(), 2);
});

test("T-01 a token for another audience, the API server's own included, is nobody's", async (t) => {
  const { server, reviews } = await setUp(t);
  const foreign = server.tokens.issue("fenceline", "global-sidecar", "https://kubernetes.default.svc");
  assert.equal(await reviews.userOf(foreign), undefined);
  // An authenticator that does not know of audiences authenticates the token and names none.
  const status = { authenticated: true, user: { username: USER } };
  server.answer(isReview, { status: 201, body: { status } }, { status: 201, body: { status: { ...status, audiences: ["other"] } } });
  assert.equal(await reviews.userOf("a.b.c"), undefined);
  assert.equal(await reviews.userOf("a.b.d"), undefined);
});

test("T-01 what is no token of a service account is not sent to the API server", async (t) => {
  const { reviews, asked } = await setUp(t);
  for (const text of ["", "letmein", "a.b", "a.b.c.d", "a.b.c ", `a.b.${"c".repeat(10_000)}`, "a..c"]) {
    assert.equal(await reviews.userOf(text), undefined);
  }
  assert.equal(asked(), 0);
});

test("T-01 a refusal counts for five seconds, since keys and pods may be news to the server that was asked", async (t) => {
  const { server, clock, reviews, asked, token } = await setUp(t);
  server.answer(isReview, { status: 201, body: { status: { authenticated: false } } });
  assert.equal(await reviews.userOf(token), undefined);
  assert.equal(await reviews.userOf(token), undefined);
  assert.equal(asked(), 1);
  clock.now = 5_000;
  assert.equal(await reviews.userOf(token), USER);
});

test("T-01 while the API server is away, what it accepted counts on, and everything else is an error", async (t) => {
  const { server, clock, reviews, token } = await setUp(t);
  assert.equal(await reviews.userOf(token), USER);
  const mend = server.fail(isReview, "cut");
  assert.equal(await reviews.userOf(token), USER);
  await assert.rejects(reviews.userOf("a.b.c"), ApiError);
  clock.now = 60_000;
  await assert.rejects(reviews.userOf(token), { code: "KUBERNETES_UNREACHABLE" });
  mend();
  assert.equal(await reviews.userOf(token), USER);
});

test("T-01 an API server that never answers is waited for three seconds, and so are few callers at a time", async (t) => {
  const { server, reviews, asked } = await setUp(t);
  server.fail(isReview, "silence");
  const began = performance.now();
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => reviews.userOf(`a.b.${index}`)));
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
  assert.ok(performance.now() - began < 20_000);
  assert.ok(asked() <= 8);
});

test("T-01 a flood of bad tokens does not make the API server forget the good one", async (t) => {
  const { reviews, asked, token } = await setUp(t);
  await reviews.userOf(token);
  for (let index = 0; index < 1_500; index += 1) await reviews.userOf(`a.b.${index}`);
  assert.equal(await reviews.userOf(token), USER);
  assert.equal(asked(), 1_501);
});

test("T-01 one peer whose junk tokens the API server does not answer leaves places for the tokens of others", async (t) => {
  const { server, reviews, token, asked } = await setUp(t);
  const isJunk = (request: RecordedRequest) => isReview(request) && JSON.stringify(request.body).includes('"a.b.');
  server.fail(isJunk, "silence");
  const junk = Array.from({ length: 40 }, (_, index) => reviews.userOf(`a.b.${index}`, "10.0.0.66").catch(({ code }) => code));
  const others = Array.from({ length: 2 }, (_, index) => reviews.userOf(`a.b.c${index}`, `10.0.0.6${index}`).catch(({ code }) => code));
  assert.equal(await reviews.userOf(token, "10.0.0.7"), USER);
  assert.equal((await Promise.all(junk)).filter((code) => code === "REVIEWS_BUSY").length, 36);
  assert.equal((await Promise.all(others)).includes("REVIEWS_BUSY"), false);
  assert.equal(asked(), 4 + 2 + 1);
});

test("T-01 a token that was good before is reviewed again, however many peers' junk tokens the API server does not answer", async (t) => {
  const { server, clock, reviews, token } = await setUp(t);
  assert.equal(await reviews.userOf(token, "10.0.0.7"), USER);
  clock.now = 60_000;
  server.fail((request) => isReview(request) && JSON.stringify(request.body).includes('"a.b.'), "silence");
  const junk = Array.from({ length: 100 }, (_, index) => reviews.userOf(`a.b.${index}`, `10.0.1.${index}`).catch(({ code }) => code));
  await assert.rejects(reviews.userOf("a.b.new", "10.0.0.8"), { code: "REVIEWS_BUSY" });
  assert.equal(await reviews.userOf(token, "10.0.0.7"), USER);
  await Promise.all(junk);
});
