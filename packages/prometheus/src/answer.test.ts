import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readAnswer } from "./answer.ts";
import { PrometheusError } from "./prometheus-error.ts";

const SERVER = "http://prometheus:9090";

const read = (body: unknown, status = 200) => readAnswer({ status, text: JSON.stringify(body), server: SERVER });

function failureOf(act: () => unknown): PrometheusError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof PrometheusError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

test("NaN and infinities are numbers, and what is no number is left out", () => {
  const value = (text: unknown) => ({ metric: { a: "b" }, value: [1.5, text] });
  const result = ["NaN", "+Inf", "-Inf", "1e3", "", "1 apple", 7].map(value);
  const { samples } = read({ status: "success", data: { resultType: "vector", result } });
  assert.deepEqual(
    samples.map((sample) => sample.value),
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1_000],
  );
  assert.deepEqual(samples[3], { labels: { a: "b" }, value: 1_000, at: 1_500 });
});

test("a scalar is one sample without labels, and a native histogram none", () => {
  assert.deepEqual(read({ status: "success", data: { resultType: "scalar", result: [2, "3"] } }).samples, [
    { labels: {}, value: 3, at: 2_000 },
  ]);
  const histogram = { metric: {}, histogram: [1, { count: "1", sum: "1" }] };
  assert.deepEqual(read({ status: "success", data: { resultType: "vector", result: [histogram] } }).samples, []);
});

test("warnings of a partial answer are told, and notes about the query are not among them", () => {
  const data = { resultType: "vector", result: [] };
  const { warnings } = read({ status: "success", data, warnings: ["store a is down", 7], infos: ["metric might not be a counter"] });
  assert.deepEqual(warnings, ["store a is down"]);
});

test("an answer that is a range, or none of Prometheus', is invalid", () => {
  for (const resultType of ["matrix", "string"]) {
    const { code } = failureOf(() => read({ status: "success", data: { resultType, result: [] } }));
    assert.equal(code, "PROMETHEUS_ANSWER_INVALID");
  }
  const { code, message } = failureOf(() => readAnswer({ status: 200, text: "<html>log in</html>", server: SERVER }));
  assert.deepEqual([code, message.includes("<html>log in</html>")], ["PROMETHEUS_ANSWER_INVALID", true]);
});

test("an error has the server's words and a code of its own; the word of its type counts before its status", () => {
  const cases: readonly (readonly [number, unknown, string])[] = [
    [400, { status: "error", errorType: "bad_data", error: "parse error" }, "PROMETHEUS_BAD_DATA"],
    [422, { status: "error", errorType: "execution", error: "labels twice" }, "PROMETHEUS_EXECUTION"],
    [503, { status: "error", errorType: "timeout", error: "query timed out" }, "PROMETHEUS_TIMEOUT"],
    [503, { status: "error", errorType: "unavailable", error: "loading" }, "PROMETHEUS_SERVER_FAILED"],
    [400, "Bad Request of a proxy", "PROMETHEUS_REFUSED"],
    [401, "who are you", "PROMETHEUS_UNAUTHORIZED"],
    [403, "not you", "PROMETHEUS_FORBIDDEN"],
    [404, "no such page", "PROMETHEUS_REFUSED"],
    [302, "elsewhere", "PROMETHEUS_REFUSED"],
    [429, "slower", "PROMETHEUS_THROTTLED"],
    [504, "gateway", "PROMETHEUS_TIMEOUT"],
  ];
  for (const [status, body, code] of cases) {
    const error = failureOf(() => read(body, status));
    const words = typeof body === "string" ? body : (body as { error: string }).error;
    assert.equal(error.code, code);
    assert.ok(error.message.includes(`${SERVER}: status ${status}`) && error.message.includes(words), error.message);
  }
});

test("the server's words are cut and do nothing to a terminal", () => {
  const { message } = failureOf(() => readAnswer({ status: 500, text: `\u001b]0;${"x".repeat(10_000)}`, server: SERVER }));
  assert.ok(message.length < 1_300 && !message.includes("\u001b"), message);
});

test("whatever a server answers, it is an answer or an error of ours", () => {
  const bodies = fc.oneof(
    fc.json(),
    fc.string(),
    fc.record({
      status: fc.constant("success"),
      data: fc.record({ resultType: fc.constantFrom("vector", "scalar"), result: fc.jsonValue() }),
    }),
    fc.record({
      status: fc.constant("success"),
      data: fc.record({
        resultType: fc.constant("vector"),
        result: fc.array(fc.record({ metric: fc.jsonValue(), value: fc.jsonValue() })),
      }),
    }),
  );
  fc.assert(
    fc.property(bodies, fc.constantFrom(200, 400, 500), (body, status) => {
      try {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        for (const { labels, value } of readAnswer({ status, text, server: SERVER }).samples) {
          assert.equal(typeof value, "number");
          for (const label of Object.values(labels)) assert.equal(typeof label, "string");
        }
      } catch (error) {
        assert.ok(error instanceof PrometheusError, String(error));
      }
    }),
  );
});
