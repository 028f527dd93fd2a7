import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import type { CallHeaders } from "@fenceline/wire";
import { pino } from "pino";
import { CollectorMetrics } from "../metrics.ts";
import { type FallbackToken, fallbackCaller } from "./fallback-caller.ts";

const TOKEN = { authorization: "Bearer good" };
const certificate = (namespace: string, account: string) => ({
  "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/${namespace}/sa/${account}`,
});
const OWN = certificate("fenceline", "global-sidecar");

function setUp(token: FallbackToken | undefined = (text) => text === "good", acceptPlaintext = false) {
  const { fallbackRefused } = new CollectorMetrics();
  const lines: { readonly reason: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const config = Config.parse({ telemetry: { acceptPlaintext } });
  const check = fallbackCaller({ config, token, refused: fallbackRefused, logger });
  /** Status and counted reason; undefined when the call was taken for the global sidecar's. */
  const outcome = async (headers: CallHeaders) => {
    fallbackRefused.reset();
    const refusal = await check(headers, "10.0.0.7");
    const [counted] = (await fallbackRefused.get()).values;
    return refusal === undefined ? undefined : `${refusal.code} ${counted?.labels.reason}`;
  };
  return { outcome, lines };
}

test("T-01 the global sidecar is known by its certificate and its token together", async () => {
  const { outcome } = setUp();
  assert.equal(await outcome({ ...OWN, ...TOKEN }), undefined);
  assert.equal(await outcome({ ...OWN, authorization: "bearer good" }), undefined);
});

test("T-01 its certificate without its token, which is what forwarded traffic has, is refused", async () => {
  const { outcome } = setUp();
  assert.equal(await outcome(OWN), "UNAUTHENTICATED no_token");
  for (const authorization of ["good", "Basic good", "", "Bearer"]) {
    assert.equal(await outcome({ ...OWN, authorization }), "UNAUTHENTICATED no_token", authorization);
  }
  assert.equal(await outcome({ ...OWN, authorization: ["Bearer good", "Bearer good"] }), "UNAUTHENTICATED no_token");
  assert.equal(await outcome({ ...OWN, authorization: "Bearer bad" }), "UNAUTHENTICATED token_refused");
});

test("T-01 its token with anybody else's certificate, or none, is refused before the token is looked at", async () => {
  const { outcome } = setUp(() => assert.fail("the token was looked at"));
  for (const [namespace, account] of [
    ["fenceline", "fenceline-collector"],
    ["test1", "global-sidecar"],
  ] as const) {
    assert.equal(await outcome({ ...certificate(namespace, account), ...TOKEN }), "PERMISSION_DENIED identity_mismatch");
  }
  assert.equal(await outcome({ "x-forwarded-client-cert": "x", ...TOKEN }), "PERMISSION_DENIED identity_mismatch");
  assert.equal(await outcome(TOKEN), "UNAUTHENTICATED no_certificate");
});

test("T-01 where plain text is accepted the token alone counts, but a certificate that is there must agree", async () => {
  const { outcome } = setUp(undefined, true);
  assert.equal(await outcome(TOKEN), undefined);
  assert.equal(await outcome({}), "UNAUTHENTICATED no_token");
  assert.equal(await outcome({ ...certificate("test1", "a"), ...TOKEN }), "PERMISSION_DENIED identity_mismatch");
});

test("T-01 a token that cannot be reviewed is no lie: the caller may try again", async () => {
  const headers = { ...OWN, ...TOKEN };
  const failing: FallbackToken[] = [() => Promise.reject(new Error("away")), () => assert.fail("away")];
  for (const token of failing) assert.equal(await setUp(token).outcome(headers), "UNAVAILABLE token_not_reviewed");
  assert.equal(await setUp(async () => false).outcome(headers), "UNAUTHENTICATED token_refused");
  assert.equal(await setUp(async () => true).outcome(headers), undefined);
});

test("T-01 refusals are logged, few lines for each reason however many there are", async () => {
  const { outcome, lines } = setUp();
  for (let count = 0; count < 1_000; count += 1) await outcome(OWN);
  await outcome(TOKEN);
  assert.deepEqual(
    lines.map(({ reason }) => reason),
    ["no_token", "no_token", "no_token", "no_certificate"],
  );
});

test("T-01 without anything to know its token by, nobody is the global sidecar", async () => {
  const { fallbackRefused } = new CollectorMetrics();
  const check = fallbackCaller({ config: Config.parse({}), token: undefined, refused: fallbackRefused, logger: pino({ level: "silent" }) });
  assert.equal((await check({ ...OWN, ...TOKEN }, "10.0.0.7"))?.code, "UNAUTHENTICATED");
});
