import assert from "node:assert/strict";
import { peerAuthentication } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import type { TcpCall } from "../../pod-app/protocol.ts";
import { applyFence, learnedHosts, untilFenced } from "../mesh/fence.ts";
import { startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";
import { APP_PORTS, applyCases, CASES, callOf, HTTP_PORTS, type TcpCase } from "./cases.ts";

type Mode = "STRICT" | "PERMISSIVE";

/**
 * Handshakes of a pod's Envoy as a server: one for each connection in mTLS, none for one in plain
 * text.
 */
const HANDSHAKES = "listener.0.0.0.0_15006.ssl.handshake";
/** Connections that all have to be in mTLS, once the service is learned. */
const CONNECTIONS = 20;

interface Pair {
  readonly mode: Mode;
  readonly a: Workload;
  readonly b: Workload;
  readonly addresses: ReadonlyMap<TcpCase, string>;
}

/**
 * `tcp: learn`: the access log of the first connection teaches the service; from then on
 * connections are direct and in mTLS.
 */
export async function learn(lab: Lab, report: Report): Promise<void> {
  for (const mode of ["STRICT", "PERMISSIVE"] as const) {
    const pair = await report.step(`learn, ${mode}: a fenced caller and a callee start`, () => startPair(lab, mode));
    for (const one of CASES) {
      const first = firstConnection(one, mode);
      const learned = first === "is in mTLS" ? "always visible" : "learned, then in mTLS";
      await report.step(`${mode}, ${one.title}: the first connection ${first}; ${learned}`, () =>
        connectFirst(lab, report, pair, one, first),
      );
    }
  }
}

/**
 * What becomes of a connection to a service that the caller's Envoy does not know: Istio's
 * passthrough takes it, in plain text. STRICT refuses that. Where the server speaks first the
 * callee's Envoy waits for a TLS client or for what to make of the client's bytes, and so do both
 * ends.
 */
function firstConnection({ port, speaksFirst }: TcpCase, mode: Mode): "is in mTLS" | "is in plain text" | "fails" {
  // Declared TCP on a port that is HTTP elsewhere: nothing could teach it, so it is shown from the
  // start.
  if (port.name !== undefined && HTTP_PORTS.includes(port.port)) return "is in mTLS";
  return mode === "PERMISSIVE" && speaksFirst === "client" ? "is in plain text" : "fails";
}

async function startPair(lab: Lab, mode: Mode): Promise<Pair> {
  const namespace = `tcp-${mode.toLowerCase()}`;
  await lab.namespace(namespace);
  await lab.kubernetes.apply(peerAuthentication(namespace, mode));
  await applyFence(lab, namespace, "a", { tcp: "learn" });
  const proxy = { config: { proxyStatsMatcher: { inclusionRegexps: ["listener\\..*ssl\\.handshake"] } } };
  const b = await startWorkload(lab, namespace, "b", APP_PORTS, { proxy });
  const addresses = await applyCases(lab, CASES, b);
  const a = await startWorkload(lab, namespace, "a");
  for (const [{ port, headless }, address] of addresses) {
    const target = { address: b.pod.address, port: port.targetPort ?? port.port };
    if (!headless) await a.pod.serveClusterIP({ address, port: port.port }, target);
  }
  await untilFenced(lab, a, HTTP_PORTS);
  return { mode, a, b, addresses };
}

async function connectFirst(lab: Lab, report: Report, pair: Pair, one: TcpCase, first: ReturnType<typeof firstConnection>): Promise<void> {
  const { a, b, addresses } = pair;
  const { namespace } = a.pod.spec;
  const call = callOf(addresses.get(one) ?? "", one, b);
  const before = await handshakes(b);
  const start = performance.now();
  if (first === "fails") await assert.rejects(a.app.connect(call));
  else await a.app.connect(call);
  assert.equal((await handshakes(b)) - before, first === "is in mTLS" ? 1 : 0, "handshakes of the first connection");
  if (first !== "is in mTLS") {
    await lab.until("a connection in mTLS", () => isInMtls(pair, call));
    report.figure(`${pair.mode}, ${one.title}: first connection → in mTLS`, performance.now() - start, "ms");
  }
  const then = await handshakes(b);
  for (let count = 0; count < CONNECTIONS; count++) await a.app.connect(call);
  assert.equal((await handshakes(b)) - then, CONNECTIONS, "handshakes of the connections after it was learned");
  const host = `${one.service}.${namespace}.svc.cluster.local`;
  await lab.until(`${host} to be in the fence`, async () => (await learnedHosts(lab, namespace, "a")).includes(host));
}

async function isInMtls({ a, b }: Pair, call: TcpCall): Promise<boolean> {
  const before = await handshakes(b);
  await a.app.connect({ ...call, timeout: 500 });
  return (await handshakes(b)) > before;
}

async function handshakes({ pod }: Workload): Promise<number> {
  return (await pod.envoy.stats(HANDSHAKES))[HANDSHAKES] ?? 0;
}
