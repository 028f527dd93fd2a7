import assert from "node:assert/strict";
import type { Lab } from "../../lab/lab.ts";
import type { OpenConnection, RunningLoad } from "../../lab/pod/app.ts";
import type { TcpCall } from "../../pod-app/protocol.ts";
import { applyFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { sum } from "../mesh/figures.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";
import { APP_PORTS, applyCases, CASES, callOf, HTTP_PORTS, type TcpCase, UNREACHABLE } from "./cases.ts";

const NAMESPACE = "tcp-visible";
/** HTTP services on port 80, learned while TCP connections come and go. */
const HTTP_HOSTS = numbered("web", 5);
/**
 * Milliseconds between two connections to a service. At 50, all connections were late for good on
 * two cores with a load of 20, once the fence came.
 */
const INTERVAL = 250;
/** Milliseconds: Istio's `--drain-time-s` of 45 s, and some more. */
const DRAIN = 50_000;
/** Connections to each service that show that it works. */
const ENOUGH = 10;

interface Callers {
  readonly a: Workload;
  /** Never fenced. */
  readonly free: Workload;
  readonly b: Workload;
}

/** `tcp: visible`, the default: a fence changes nothing for whatever is not HTTP. */
export async function visible(lab: Lab, report: Report): Promise<void> {
  await lab.namespace(NAMESPACE);
  const callers = await report.step("visible: a callee, a caller and one that is never fenced start", () => startPods(lab));
  const { a, b } = callers;
  const addresses = await applyCases(lab, CASES, b);
  const calls = CASES.map((one) => callOf(addresses.get(one) ?? "", one, b));
  await report.step("without a fence, a server that speaks first on a port without a name cannot be reached", () =>
    istiosOwn(lab, callers),
  );
  const connection = await report.step("a long-lived connection is opened", () => openLongLived(lab, a, calls[0]));
  const loads: RunningLoad[] = [];
  await report.step("connections to every other service succeed", async () => {
    for (const call of calls) await untilConnected(lab, a, call);
    for (const call of calls) loads.push(await a.app.load({ ...call, interval: INTERVAL }));
    await moreConnections(lab, loads);
  });
  const fenced = performance.now();
  await report.step("they go on while the fence comes and learns HTTP hosts of the same port", async () => {
    await applyFence(lab, NAMESPACE, "a");
    await untilFenced(lab, a, HTTP_PORTS);
    await moreConnections(lab, loads);
    for (const name of HTTP_HOSTS) await untilDirect(lab, a, `http://${name}.${NAMESPACE}/`);
    await moreConnections(lab, loads);
  });
  await report.step("a new TCP service answers the fenced caller, too", () => newService(lab, report, callers));
  await report.step("the connection that was open before outlives the time after which Envoy cuts those of a changed listener", () =>
    outlives(lab, connection, fenced),
  );
  await report.step("the fence goes", () => removeFence(lab, loads));
  const reports = await Promise.all(loads.map((load) => load.stop()));
  report.figure("visible: connections while the fence came, learned and went", sum(reports.map(({ sent }) => sent)));
  report.figure("visible: failed connections", sum(reports.map(({ failed }) => failed)));
  await report.step("no connection failed", async () => {
    assert.deepEqual(
      reports.flatMap(({ failures }, index) => failures.map(({ reason }) => `${CASES[index]?.title}: ${reason}`)),
      [],
    );
  });
}

/** By a server that the client speaks to first. */
function openLongLived(lab: Lab, { app }: Workload, call: TcpCall | undefined): Promise<OpenConnection> {
  assert.ok(call?.send !== undefined);
  return lab.until("a connection", () => app.open(call));
}

/**
 * A connection of a database's pool, say.
 * @param since when the fence came, in milliseconds of `performance.now`
 */
async function outlives(lab: Lab, connection: OpenConnection, since: number): Promise<void> {
  let exchanges = 0;
  while (performance.now() - since < DRAIN) {
    await lab.until("a second to pass", () => performance.now() > since + exchanges * 1_000);
    assert.equal(await connection.exchange(`${exchanges}`), `${exchanges}`);
    exchanges += 1;
  }
}

async function startPods(lab: Lab): Promise<Callers> {
  await applyServices(lab, NAMESPACE, HTTP_HOSTS, "b");
  const b = await startWorkload(lab, NAMESPACE, "b", APP_PORTS);
  const [a, free] = await Promise.all([startWorkload(lab, NAMESPACE, "a"), startWorkload(lab, NAMESPACE, "free")]);
  return { a, free, b };
}

async function istiosOwn(lab: Lab, { free, b }: Callers): Promise<void> {
  const address = (await applyCases(lab, [UNREACHABLE], b)).get(UNREACHABLE) ?? "";
  await assert.rejects(free.app.connect(callOf(address, UNREACHABLE, b)), /no line within/);
}

function untilConnected(lab: Lab, { app }: Workload, call: TcpCall): Promise<string> {
  return lab.until(`an answer of ${call.host}:${call.port}`, () => app.connect({ ...call, timeout: 500 }));
}

async function moreConnections(lab: Lab, loads: readonly RunningLoad[]): Promise<void> {
  const reports = () => Promise.all(loads.map((load) => load.report()));
  const before = await reports();
  await lab.until(`${ENOUGH} more connections to every service`, async () => {
    const after = await reports();
    const missing = after.findIndex(({ succeeded }, index) => succeeded < (before[index]?.succeeded ?? 0) + ENOUGH);
    // Thrown, it is told when waiting is given up.
    if (missing !== -1) throw new Error(`${CASES[missing]?.title}: ${after[missing]?.failures.at(-1)?.reason ?? "no failure"}`);
    return true;
  });
}

/** Until its Envoy knows a new service, a caller cannot reach it, fenced or not. */
async function newService(lab: Lab, report: Report, { a, free, b }: Callers): Promise<void> {
  const late: TcpCase = { title: "late", service: "late", port: { name: "tcp", port: 9_005, targetPort: 9_001 }, speaksFirst: "server" };
  const start = performance.now();
  const address = (await applyCases(lab, [late], b)).get(late) ?? "";
  const answered = async (who: string, caller: Workload) => {
    await untilConnected(lab, caller, { ...callOf(address, late, b), timeout: 200 });
    report.figure(`visible: new TCP service → answer, ${who} caller`, performance.now() - start, "ms");
  };
  await Promise.all([answered("fenced", a), answered("unfenced", free)]);
  assert.ok((await sidecarHosts(lab, NAMESPACE, "a"))?.includes(`${NAMESPACE}/late.${NAMESPACE}.svc.cluster.local`));
}

async function removeFence(lab: Lab, loads: readonly RunningLoad[]): Promise<void> {
  const metadata = { namespace: NAMESPACE, name: "a" };
  await lab.kubernetes.delete({ apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata });
  await lab.until("its Sidecar to go", async () => (await sidecarHosts(lab, NAMESPACE, "a")) === undefined);
  await moreConnections(lab, loads);
}
