/**
 * A kind that lives in tests only, whose objects read numbers: endpoint counts, and answers from
 * outside of the mesh.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESH_KINDS, OWN_KINDS, parseManifests, type ReadKind } from "@fenceline/api";
import { PUMP, type Pump, until } from "@fenceline/api/testing";
import { desiredOfManifests } from "./desired-of-manifests.ts";
import type { SampleSource } from "./kind-context.ts";
import { DRIVERS, type Drivers } from "./kinds.ts";
import { CONFIG } from "./testing/mesh.ts";
import { pumps } from "./testing/pumps.ts";
import { startCollector } from "./testing/running-collector.ts";

const TABLE: Drivers = { ...DRIVERS, Pump: pumps };
const KINDS = [...OWN_KINDS, PUMP];
const FILTER = "rendered/test1/EnvoyFilter-pump-a.yaml";

function pump(quota: string): string {
  const stage = `{name: only, listenerType: Inbound, fillInterval: {seconds: 1}, quota: "${quota}"}`;
  return `{apiVersion: test.fenceline.io/v1, kind: Pump, metadata: {name: a, namespace: test1}, spec: {pressure: 80, stages: [${stage}]}}`;
}

function slice(...addresses: readonly string[]): string {
  const endpoints = addresses.map((address) => `{addresses: [${address}]}`).join(", ");
  const metadata = "{name: b-1, namespace: test1, labels: {kubernetes.io/service-name: b}}";
  return `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: ${metadata}, endpoints: [${endpoints}]}`;
}

test("issue 14: a kind that counts endpoints renders their number, and again when it is another one", async (t) => {
  const running = await startCollector(t, pump("endpoints b"), undefined, { drivers: TABLE }, KINDS);
  const quota = () => /quota: (\d+)/.exec(running.read(FILTER))?.[1];
  await until(() => quota() === "0");
  running.write("slice.yaml", slice("10.0.0.1", "10.0.0.2"));
  await until(() => quota() === "2");
  running.write("slice.yaml", slice("10.0.0.1"));
  await until(() => quota() === "1");
});

test("issue 14: a kind that reads numbers from outside has them when it listens, follows them, and keeps the last one when nobody answers", async (t) => {
  let answer: (signal: AbortSignal) => Promise<number | undefined> = async () => 7;
  const asked: string[] = [];
  const samples: SampleSource = {
    query: (text, signal) => {
      asked.push(text);
      return answer(signal);
    },
  };
  const running = await startCollector(t, pump("rps"), undefined, { drivers: TABLE, samples }, KINDS);
  await running.collector.idle();
  assert.match(running.read(FILTER), /quota: 7/);
  answer = async () => 9;
  await until(() => /quota: 9/.test(running.read(FILTER)));
  answer = () => Promise.reject(new Error("nobody answers"));
  const before = asked.length;
  await until(() => asked.length > before + 2);
  assert.match(running.read(FILTER), /quota: 9/);
  assert.deepEqual([...new Set(asked)], ["rps"]);
});

test("issue 14: a collector that ends gives up what a kind has asked for, and waits for its end", async (t) => {
  const steps: string[] = [];
  const samples: SampleSource = {
    query: async (_, signal) => {
      if (steps.length === 0) return void steps.push("answered");
      if (steps.length > 1) return undefined;
      steps.push("asked");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      steps.push("given up");
      await new Promise(setImmediate);
      return void steps.push("ended");
    },
  };
  const { collector } = await startCollector(t, pump("rps"), undefined, { drivers: TABLE, samples }, KINDS);
  await until(() => steps.length === 2);
  await collector.close();
  assert.deepEqual(steps, ["answered", "asked", "given up", "ended"]);
});

test("issue 14: where there is nobody to ask, a kind says that it cannot be rendered", () => {
  const kinds = [...MESH_KINDS, ...KINDS] as readonly ReadKind<unknown>[] as readonly ReadKind<Pump>[];
  const render = (text: string) => desiredOfManifests(parseManifests(text, "pump.yaml", kinds).objects, CONFIG, 0, TABLE);
  const refused = render(pump("rps"));
  assert.deepEqual([refused.objects, refused.refused.map(({ code }) => code)], [[], ["PUMP_NOT_RENDERED"]]);
  assert.deepEqual(
    render(pump("5")).objects.map(({ metadata: { name } }) => name),
    ["pump-a"],
  );
});
