import { setTimeout as delay } from "node:timers/promises";
import { buildPeer } from "../go.ts";
import { meshFolder } from "../mesh.ts";
import type { Options } from "../options.ts";
import { peerSource } from "../places.ts";
import { BenchProcess, stopAll } from "../process.ts";
import { OURS, PEERS, startFenceline, type Target } from "../proxy/peers.ts";
import type { Protocol } from "../proxy/rows.ts";
import type { Settings } from "../settings.ts";
import { Callers, type Tally } from "../soak/callers.ts";
import { type Check, checks, isBackToBase, type ResourceUse } from "../soak/trend.ts";
import type { Report, Suite } from "../suite.ts";
import { align, thousands } from "../table.ts";

/**
 * Steady mixed load on one proxy for a long time: does anything grow, and is everything closed at
 * the end?
 */
export const soak: Suite = { defaults: { rounds: 1, seconds: 1 }, run };

/** Well-behaved callers, at rates far below the proxy's limit. */
const GENERATORS: readonly { readonly name: string; readonly protocol: Protocol; readonly load: readonly string[] }[] = [
  { name: "kept alive", protocol: "http1", load: ["-rate", "400", "-connections", "1000"] },
  { name: "new connections", protocol: "http1", load: ["-rate", "50", "-connections", "8", "-fresh"] },
  { name: "answers of 64 KiB", protocol: "http1", load: ["-rate", "50", "-connections", "8", "-answer", "65536"] },
  { name: "POST of 16 KiB", protocol: "http1", load: ["-rate", "50", "-connections", "8", "-body", "16384"] },
  { name: "HTTP/2", protocol: "http2", load: ["-rate", "100", "-connections", "4", "-streams", "8", "-protocol", "http2"] },
];

const SAMPLES = 240;
const LINES = 12;
/**
 * Idle connections to destinations are kept for seconds, so what is left may still be on its way
 * out.
 */
const SETTLE_MS = 20_000;

async function run(_: Settings, { minutes }: Options): Promise<Report> {
  const upstream = await BenchProcess.start("upstream", "rest", process.execPath, [peerSource("soak-upstream.ts")]);
  const { port } = await upstream.answer<{ port: number }>();
  const mesh = await meshFolder({ callers: 1, services: 10, endpointPort: port });
  try {
    const collector = await BenchProcess.start("collector", "rest", process.execPath, [peerSource("fenceline-collector.ts"), mesh.path]);
    const target = await startFenceline({ upstreamPort: port, collectorPort: (await collector.answer<{ port: number }>()).port });
    const start = performance.now();
    const look = () => resourceUse(target.process, start);
    const before = await look();
    const { during, tallies } = await underLoad(target, minutes * 60, look);
    const after = await settled(before, look);
    return report(minutes, [before, ...during, after], [...checks(before, during, after), noneFailed(tallies)], tallies);
  } finally {
    await stopAll();
    await mesh.remove();
  }
}

/** What the proxy holds now. */
async function resourceUse(proxy: BenchProcess, start: number): Promise<ResourceUse> {
  const inside = await proxy.ask<{ inFlight: number }>("held");
  return { at: (performance.now() - start) / 1_000, memory: proxy.residentMegabytes(), files: proxy.openFiles(), ...inside };
}

async function underLoad(target: Target, seconds: number, look: () => Promise<ResourceUse>) {
  const speaks = PEERS.find(({ name }) => name === OURS)?.speaks ?? [];
  const chosen = GENERATORS.filter(({ protocol }) => speaks.includes(protocol));
  const generators = await Promise.all(chosen.map(({ name, load }) => generator(target, name, load, seconds)));
  const callers = new Callers();
  callers.start({ port: target.ports.http1 ?? 0, host: target.host });
  const during: ResourceUse[] = [];
  const end = performance.now() + seconds * 1_000;
  const pause = Math.max(500, (seconds * 1_000) / SAMPLES);
  while (performance.now() < end) {
    await delay(Math.min(pause, end - performance.now()));
    for (const { child } of generators) child.requireRunning();
    during.push(await look());
    progress(during);
  }
  await callers.stop();
  const tallies = new Map<string, Tally>(callers.tallies);
  for (const { name, child } of generators) tallies.set(name, await outcome(child));
  return { during, tallies };
}

async function generator({ ports, host }: Target, name: string, load: readonly string[], seconds: number) {
  const to = ["-port", String(ports.http1 ?? 0), "-host", host, "-warmup", "0", "-seconds", String(seconds + 1)];
  return { name, child: await BenchProcess.start(name, "rest", buildPeer("http-load"), ["load", ...to, ...load]) };
}

async function outcome(child: BenchProcess): Promise<Tally> {
  const { requests, errors } = await child.answer<{ requests: number; errors: number }>();
  return { begun: requests, failed: errors, ...(errors === 0 ? {} : { reason: "the answer was not as it should be" }) };
}

/** Polls until nothing is left of the load, or the time is over. */
async function settled(before: ResourceUse, look: () => Promise<ResourceUse>): Promise<ResourceUse> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await look();
    if (isBackToBase(before, now) || performance.now() > end) return now;
    await delay(250);
  }
}

/** Prints a line after each twelfth of the table. */
function progress(during: readonly ResourceUse[]): void {
  if (during.length % (SAMPLES / LINES) !== 0) return;
  const { at = 0, memory = 0, inFlight = 0 } = during.at(-1) ?? {};
  process.stderr.write(`  ${Math.round(at)} s: ${Math.round(memory)} MB, ${inFlight} in flight\n`);
}

function noneFailed(tallies: ReadonlyMap<string, Tally>): Check {
  const failed = [...tallies].filter(([, tally]) => tally.failed > 0);
  const measured = failed.map(([name, tally]) => `${name}: ${tally.failed} (${tally.reason})`).join("; ");
  return { what: "calls that failed", measured: measured === "" ? "0" : measured, bound: "0", kept: failed.length === 0 };
}

function report(minutes: number, samples: readonly ResourceUse[], verdicts: readonly Check[], tallies: ReadonlyMap<string, Tally>): Report {
  const step = Math.max(1, Math.ceil(samples.length / LINES));
  const shown = samples.filter((_, at) => at % step === 0 || at === samples.length - 1);
  const rows = shown.map((sample) => [
    `${Math.round(sample.at)}`,
    sample.memory.toFixed(0),
    ...[sample.files, sample.inFlight].map(String),
  ]);
  const text = [
    align([["seconds", "MB", "files", "in flight"], ...rows]),
    align([["calls", "number"], ...[...tallies].map(([name, { begun }]) => [name, thousands(begun)])]),
    align([
      ["", "measured", "at most", ""],
      ...verdicts.map(({ what, measured, bound, kept }) => [what, measured, bound, kept ? "kept" : "BROKEN"]),
    ]),
  ].join("\n\n");
  const data = { minutes, samples, tallies: Object.fromEntries(tallies), checks: verdicts };
  return { text, data, failed: verdicts.some(({ kept }) => !kept) };
}
