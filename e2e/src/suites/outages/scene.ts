import assert from "node:assert/strict";
import { FALLBACK_IDENTITY, NAMESPACE as FENCELINE_NAMESPACE, type Fenceline } from "../../fenceline/install.ts";
import { serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, firstCall, loadUntilDirect, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { SteadyLoad } from "../mesh/steady-load.ts";
import { applyServices, HTTP_PORT, numbered, startWorkload, type Workload } from "../mesh/workload.ts";

export const NAMESPACE = "outages";
/**
 * Idle window of the fence `short`: shorter than the outages, so that a clock that ran on through
 * them would show.
 */
const SHORT_WINDOW = "20s";
/**
 * A Service that the global sidecar sees and its callers do not, whatever their fences say: calls
 * to it go through the fallback for ever.
 */
export const HIDDEN = "hidden";
const KNOWN = numbered("known", 3);
/**
 * As many as are learned one after the other while the global sidecars are rolled twice, and more.
 */
const COLD = numbered("cold", 400);
/** A cold edge is called 50 times a second while something is out of order. */
const COLD_INTERVAL = 20;
const TIMEOUT = 300_000;

/** Two fenced callers under load, and a callee with many names. */
export interface Scene {
  readonly lab: Lab;
  readonly fenceline: Fenceline;
  /** Its fence has the default idle window: whatever it learns it must keep. */
  readonly caller: Workload;
  /** Its fence has the idle window {@link SHORT_WINDOW}. */
  readonly short: Workload;
  readonly loads: readonly SteadyLoad[];
  /** A service that nobody has called yet. */
  nextCold(): string;
}

/** A service of the scene as a Sidecar names it. */
export function egressHost(service: string): string {
  return `${NAMESPACE}/${service}.${NAMESPACE}.svc.cluster.local`;
}

/** URL of a service of the scene. */
export function urlOf(service: string): string {
  return `http://${service}.${NAMESPACE}/`;
}

export async function startScene(lab: Lab, fenceline: Fenceline): Promise<Scene> {
  await lab.namespace(NAMESPACE);
  await applyServices(lab, NAMESPACE, [...KNOWN, ...COLD, "quiet"], "b");
  await lab.kubernetes.apply(hiddenService());
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  const caller = await startFenced(lab, "a");
  const short = await startFenced(lab, "short", { idleWindow: SHORT_WINDOW });
  const loads = [await learn(lab, caller, KNOWN), await learn(lab, short, KNOWN.slice(0, 1))];
  const cold = COLD.values();
  const nextCold = () => {
    const { value } = cold.next();
    assert.ok(value !== undefined, "no service is cold any more");
    return value;
  };
  return { lab, fenceline, caller, short, loads, nextCold };
}

function hiddenService(): KubernetesObject {
  const service = serviceObject(NAMESPACE, HIDDEN, [HTTP_PORT], { selector: { app: "b" } });
  return { ...service, metadata: { ...service.metadata, annotations: { "networking.istio.io/exportTo": FENCELINE_NAMESPACE } } };
}

/** Starts a workload whose fence is enforced and empty. */
async function startFenced(lab: Lab, name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<Workload> {
  const workload = await startWorkload(lab, NAMESPACE, name);
  await applyFence(lab, NAMESPACE, name, spec);
  await untilFenced(lab, workload);
  return workload;
}

async function learn(lab: Lab, caller: Workload, services: readonly string[]): Promise<SteadyLoad> {
  const urls = services.map(urlOf);
  for (const url of urls) {
    await firstCall(caller, url);
    await untilDirect(lab, caller, url);
  }
  return SteadyLoad.start(caller, urls);
}

/** Something that goes out of order and, by itself or by our doing, is in order again. */
export interface Outage {
  fail(): Promise<void>;
  /** Default: it recovers by itself. */
  recover?(): Promise<void>;
}

/** Milliseconds until a cold edge was learned that was called from the moment of the outage on. */
export interface Recovery {
  /** First call → direct. */
  readonly direct: number;
  /** First call → in the Sidecar. */
  readonly rendered: number;
  /** {@link Outage.recover} done → in the Sidecar. */
  readonly renderedAfterRecovery: number;
  /** {@link Outage.recover} done → direct. */
  readonly directAfterRecovery: number;
}

/**
 * Lives through an outage: calls on known edges go on directly, a cold edge that is called
 * meanwhile works through the fallback and is learned, and no host leaves a fence.
 */
export async function liveThrough(scene: Scene, { fail, recover = async () => {} }: Outage): Promise<Recovery> {
  const { lab, caller } = scene;
  const before = await knownHosts(scene);
  // One that was killed before and is still starting would make it two at once.
  for (const pod of scene.fenceline.collectors) await lab.until("every collector to be up", () => pod.isReady());
  await fail();
  const name = scene.nextCold();
  const recovered = async () => {
    await recover();
    return Date.now();
  };
  const rendered = async () => {
    const isRendered = async () => (await knownHosts(scene)).has(egressHost(name));
    await lab.until("a Sidecar with the cold edge", isRendered, { timeout: TIMEOUT });
    return Date.now();
  };
  const load = loadUntilDirect(lab, caller, urlOf(name), { interval: COLD_INTERVAL, timeout: TIMEOUT });
  const [cold, recoveredAt, renderedAt] = await Promise.all([load, recovered(), rendered()]);
  requireSmooth(cold, caller);
  await requireUnbroken(scene);
  const after = await knownHosts(scene);
  assert.deepEqual(
    [...before].filter((host) => !after.has(host)),
    [],
    "hosts that were lost",
  );
  const directAt = cold.peers.find(({ peer }) => peer === caller.identity)?.firstAt ?? Number.NaN;
  const firstAt = Math.min(...cold.peers.map((peer) => peer.firstAt));
  return {
    direct: directAt - firstAt,
    rendered: renderedAt - firstAt,
    renderedAfterRecovery: renderedAt - recoveredAt,
    directAfterRecovery: directAt - recoveredAt,
  };
}

/** No request on a cold edge failed, and the first ones went through the fallback. */
export function requireSmooth(cold: LoadReport, caller: Workload): void {
  assert.equal(cold.failed, 0, failuresOf([cold], caller));
  const peers = cold.peers.toSorted((one, other) => one.firstAt - other.firstAt).map(({ peer }) => peer);
  assert.deepEqual(peers, [FALLBACK_IDENTITY, caller.identity]);
}

/** No request on a known edge has failed. */
export async function requireUnbroken({ loads }: Scene): Promise<void> {
  for (const load of loads) await load.requireUnbroken();
}

/** What both fences show their workloads now; of the short-lived one only what is in use. */
async function knownHosts({ lab }: Scene): Promise<Set<string>> {
  const inUse = (host: string) => KNOWN.some((name) => host === egressHost(name));
  const short = ((await sidecarHosts(lab, NAMESPACE, "short")) ?? []).filter(inUse).map((host) => `short ${host}`);
  return new Set([...((await sidecarHosts(lab, NAMESPACE, "a")) ?? []), ...short]);
}
