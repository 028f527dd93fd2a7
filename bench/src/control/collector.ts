import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LabProcess } from "@fenceline/e2e/lab/process.ts";
import { until } from "@fenceline/e2e/lab/until.ts";
import { BENCH } from "../places.ts";
import { cpuMilliseconds, residentMegabytes } from "../proc.ts";
import { freePort } from "../process.ts";
import { type Cluster, NAMESPACE } from "./cluster.ts";

/** Longest time that a start may take. */
const START_MS = 600_000;
/** A second with less than this share of a core is quiet. */
const QUIET_SHARE = 0.15;
const QUIET_SECONDS = 3;

/** `fenceline collector`, as in a pod, without limits of memory or CPU. */
export class CollectorProcess {
  readonly accessLogPort: number;
  /** Port of its inspector, once this is opened. */
  readonly inspectPort: number;
  /** From the start of the process until it is ready, in milliseconds. */
  readonly syncMs: number;
  readonly #process: LabProcess;

  private constructor(process: LabProcess, accessLogPort: number, inspectPort: number, syncMs: number) {
    this.#process = process;
    this.accessLogPort = accessLogPort;
    this.inspectPort = inspectPort;
    this.syncMs = syncMs;
  }

  /**
   * Resolves when it is ready: the first lists are read, and it takes access logs.
   *
   * @param identity of the replica, as the Lease of the leader names it
   */
  static async start({ context, kubeconfig }: Cluster, identity: string): Promise<CollectorProcess> {
    const [alsPort, apiPort, inspectPort] = [await freePort(), await freePort(), await freePort()];
    const config = join(context.run.path, `${identity}.yaml`);
    // There is no Envoy in front of it, so no caller has a certificate, and no version of Istio is
    // known. Hosts are added in one step, as where Envoys have the filter.
    writeFileSync(config, JSON.stringify({ telemetry: { acceptPlaintext: true }, onDemand: "always" }));
    const main = join(BENCH, "..", "packages", "cli", "src", "main.ts");
    const ports = ["--host=127.0.0.1", `--als-port=${alsPort}`, `--api-port=${apiPort}`];
    const replica = [`--identity=${identity}`, `--namespace=${NAMESPACE}`, `--kubeconfig=${kubeconfig}`];
    const args = [
      `--inspect-port=127.0.0.1:${inspectPort}`,
      main,
      "collector",
      ...ports,
      ...replica,
      `--config=${config}`,
      "--log-format=json",
    ];
    const begin = performance.now();
    const env = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "" };
    const started = await LabProcess.start({ name: identity, command: process.execPath, args, env }, context);
    const isReady = async () => (await fetch(`http://127.0.0.1:${apiPort}/readyz`)).ok;
    const stillPossible = () => started.requireRunning();
    await until("the collector", isReady, { signal: context.signal, stillPossible, timeout: START_MS });
    return new CollectorProcess(started, alsPort, inspectPort, performance.now() - begin);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Milliseconds of processor time so far. */
  cpu(): number {
    this.#process.requireRunning();
    return cpuMilliseconds(this.#process.pid);
  }

  resident(): number {
    return residentMegabytes(this.#process.pid);
  }

  /** The most memory that it ever held. */
  peak(): number {
    return residentMegabytes(this.#process.pid, "VmHWM");
  }

  /** Ends it like a failing node, without any message to others. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  stop(): Promise<void> {
    return this.#process.stop(15_000);
  }
}

/** Waits until collectors have nothing to do for three consecutive seconds. */
export async function untilQuiet(collectors: readonly CollectorProcess[], mostMs: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + mostMs;
  let quiet = 0;
  for (let before = cpuOf(collectors); quiet < QUIET_SECONDS && performance.now() < end; ) {
    await delay(1_000, undefined, { signal });
    const now = cpuOf(collectors);
    quiet = now - before < 1_000 * QUIET_SHARE * collectors.length ? quiet + 1 : 0;
    before = now;
  }
}

/** Milliseconds of processor time of all of them so far. */
export function cpuOf(collectors: readonly CollectorProcess[]): number {
  return collectors.reduce((sum, collector) => sum + collector.cpu(), 0);
}
