/** Issue 17: how the values of limiters are asked for: what waits, and what fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, type ObjectRef, SMART_LIMITER } from "@fenceline/api";
import { pino } from "pino";
import type { SampleSource } from "../kind-context.ts";
import { CollectorMetrics } from "../metrics.ts";
import type { LimiterMetrics } from "./limiter-metrics.ts";
import type { ValueQuery } from "./limiter-queries.ts";
import { LimiterValues } from "./limiter-values.ts";
import { questionsInOrder } from "./question-order.ts";
import { ValueRounds } from "./value-rounds.ts";

const ref = (name: string, namespace = "shop"): ObjectRef => ({ kind: SMART_LIMITER.name, namespace, name });
const query = (limiter: string, text: string, namespace = "shop"): ValueQuery => ({
  ...{ of: ref(limiter, namespace), name: text, metric: text, query: text, key: text },
  text: () => ({ text }),
});
const asMetrics = (...queries: readonly string[]): LimiterMetrics => ({ queries: new Map(queries.map((text) => [text, text])), given: [] });

class Rounds {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly values = new LimiterValues();
  readonly metrics = new CollectorMetrics();
  queries: readonly ValueQuery[] = [];
  now = 0;
  leads = true;
  /** What a query gives, by its text. */
  answer: (text: string) => Promise<number | undefined> = async () => 1;
  readonly rounds: ValueRounds;

  constructor(samples = true) {
    const source: SampleSource = {
      query: (text) => {
        this.asked.push(text);
        return this.answer(text);
      },
    };
    this.rounds = new ValueRounds({
      config: Config.parse({ limiters: { interval: "10s" } }),
      samples: samples ? source : undefined,
      leads: () => this.leads,
      logger: pino({ level: "silent" }),
      metrics: this.metrics,
      values: this.values,
      queries: () => this.queries,
      onChanged: ({ name }) => void this.told.push(name),
      clock: () => this.now,
    });
  }

  async round(): Promise<void> {
    this.rounds.tick();
    await this.rounds.idle();
  }

  /** What is known of the values of a limiter. */
  of(limiter: string, ...names: readonly string[]): object {
    const { values, faults } = this.values.of(ref(limiter), asMetrics(...names));
    return Object.fromEntries([...values, ...faults]);
  }
}

test("equal queries of several limiters are asked once in a round, and each round tells the limiters that have other values", async () => {
  const one = new Rounds();
  one.queries = [query("a", "x"), query("b", "x"), query("b", "y")];
  await one.round();
  assert.deepEqual(
    [one.asked, one.told.sort()],
    [
      ["x", "y"],
      ["a", "b"],
    ],
  );
  await one.round();
  assert.deepEqual(one.asked.length, 2);
  one.now = 10_000;
  one.answer = async (text) => (text === "y" ? 2 : 1);
  await one.round();
  assert.deepEqual([one.asked.length, one.told.slice(2)], [4, ["b"]]);
  assert.deepEqual(one.of("b", "x", "y"), { x: 1, y: 2 });
});

test("a limiter that comes between two rounds is asked for at once, and nothing else is", async () => {
  const one = new Rounds();
  one.queries = [query("a", "x")];
  await one.round();
  one.queries = [query("a", "x"), query("b", "y")];
  one.rounds.news();
  await one.round();
  assert.deepEqual(one.asked, ["x", "y"]);
});

test("a limiter has its values while a query of another one hangs, and all of its own at once", async () => {
  const one = new Rounds();
  const [slow, late] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  one.answer = (text) => (text === "slow" ? slow.promise : text === "late" ? late.promise : Promise.resolve(1));
  one.queries = [query("a", "slow"), query("b", "x"), query("c", "x"), query("c", "late")];
  one.rounds.tick();
  await new Promise(setImmediate);
  assert.deepEqual(one.told, ["b"]);
  assert.deepEqual(one.of("c", "x", "late"), {});
  late.resolve(2);
  await new Promise(setImmediate);
  assert.deepEqual([one.told, one.of("c", "x", "late")], [["b", "c"], { x: 1, late: 2 }]);
  slow.resolve(3);
  await one.rounds.idle();
  assert.deepEqual(one.told, ["b", "c", "a"]);
});

test("a round begins no query after its interval: those that are left come first in the next, and count as missing after three", async () => {
  const one = new Rounds();
  one.queries = Array.from({ length: 12 }, (_, at) => query("a", `q${at}`));
  await one.round();
  assert.equal(one.asked.length, 12);
  // The four that run at a time take more than the interval.
  one.answer = async () => {
    one.now += 3_000;
    return 2;
  };
  const late = () => one.queries.filter(({ name }) => typeof Object.values(one.of("a", name))[0] !== "number").map(({ name }) => name);
  one.now = 10_000;
  await one.round();
  assert.deepEqual([one.asked.slice(12), late()], [["q0", "q1", "q2", "q3"], []]);
  await one.round();
  assert.deepEqual(
    [one.asked.slice(16), late()],
    [
      ["q4", "q5", "q6", "q7"],
      ["q8", "q9", "q10", "q11"],
    ],
  );
  assert.match(JSON.stringify(one.of("a", "q8")), /not asked for in time/);
  await one.round();
  assert.deepEqual([one.asked.slice(20), late()], [["q8", "q9", "q10", "q11"], []]);
});

test("many queries of one namespace keep no other's waiting", () => {
  const many = Array.from({ length: 50 }, (_, at) => query("a", `many${at}`));
  const order = questionsInOrder([...many, query("b", "x", "other"), query("b", "y", "other")], new Map([["y", -1]])).map(({ key }) => key);
  assert.deepEqual([order.slice(0, 2).sort(), order.indexOf("y")], [["many0", "x"], 3]);
});

test("more values of a namespace than there is room for are not asked for, and their limiter says why", async () => {
  const one = new Rounds();
  one.queries = [...Array.from({ length: 1_000 }, (_, at) => query("a", `q${at}`)), query("new", "x")];
  await one.round();
  assert.equal(one.asked.length, 1_000);
  assert.match(JSON.stringify(one.of("new", "x")), /more than 1,000 values/);
});

test("a gauge counts the values that are known and those that are missing, and none where another replica asks", async () => {
  const one = new Rounds();
  const counts = async () => (await one.metrics.limiterValues.get()).values.map(({ labels, value }) => [labels.state, value]);
  one.queries = [query("a", "x"), query("b", "x"), query("b", "none")];
  one.answer = async (text) => (text === "none" ? undefined : 1);
  await one.round();
  assert.deepEqual(await counts(), [
    ["known", 2],
    ["missing", 1],
  ]);
  one.leads = false;
  await one.round();
  assert.deepEqual(await counts(), [
    ["known", 0],
    ["missing", 0],
  ]);
});

test("only the replica that leads asks, and whoever lost the lead forgets what it knew", async () => {
  const one = new Rounds();
  one.queries = [query("a", "x")];
  await one.round();
  one.leads = false;
  await one.round();
  assert.deepEqual(one.of("a", "x"), {});
  one.leads = true;
  await one.round();
  assert.deepEqual([one.asked, one.of("a", "x")], [["x", "x"], { x: 1 }]);
});

test("an answer to a query that is written otherwise by now does not count", async () => {
  const one = new Rounds();
  one.queries = [query("a", "x")];
  await one.round();
  assert.deepEqual(Object.fromEntries(one.values.of(ref("a"), { queries: new Map([["x", "other"]]), given: [] }).values), {});
});

test("where no Prometheus is configured, values are missing with that reason", async () => {
  const one = new Rounds(false);
  one.queries = [query("a", "x")];
  await one.round();
  assert.match(JSON.stringify(one.of("a", "x")), /telemetry\.prometheus\.servers/);
});

test("what failed is told in the words that an author may see: of a server its code alone", async () => {
  const one = new Rounds();
  one.answer = () => Promise.reject(new Error("http://secret.example refused"));
  one.queries = [query("a", "x")];
  await one.round();
  assert.deepEqual(one.of("a", "x"), { x: "PROMETHEUS_FAILED" });
});
