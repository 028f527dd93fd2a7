import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LabProcess } from "../../../e2e/src/lab/process.ts";
import { until } from "../../../e2e/src/lab/until.ts";
import { BENCH } from "../places.ts";
import { cpuMilliseconds, residentMegabytes } from "../proc.ts";
import { freePort } from "../process.ts";
import { type Cluster, NAMESPACE } from "./cluster.ts";

/** Longest time that a start may take. */
const START_MS = 600_000;
/** A second with less than this of a core is a quiet one. */
const QUIET_SHARE = 0.15;
const QUIET_SECONDS = 3;

/** `fenceline collector`, as in a pod, under no limits of memory or CPU. */
export class CollectorProcess {
  readonly accessLogPort: number;
  /** From the start of the process until it is ready, in milliseconds. */
  readonly syncMs: number;
  readonly #process: LabProcess;

  private constructor(process: LabProcess, accessLogPort: number, syncMs: number) {
    this.#process = process;
    this.accessLogPort = accessLogPort;
    this.syncMs = syncMs;
  }

  /** Resolves when it is ready: the first lists are read, and it takes access logs. */
  static async start({ ground, kubeconfig }: Cluster): Promise<CollectorProcess> {
    const [alsPort, apiPort] = [await freePort(), await freePort()];
    const config = join(ground.run.path, "collector.yaml");
    // No Envoy stands in front of it here, so nobody has a certificate.
    writeFileSync(config, JSON.stringify({ telemetry: { acceptPlaintext: true } }));
    const main = join(BENCH, "..", "packages", "cli", "src", "main.ts");
    const ports = ["--host=127.0.0.1", `--als-port=${alsPort}`, `--api-port=${apiPort}`];
    const identity = ["--identity=bench", `--namespace=${NAMESPACE}`, `--kubeconfig=${kubeconfig}`];
    const args = [main, "collector", ...ports, ...identity, `--config=${config}`, "--log-format=json"];
    const begin = performance.now();
    const env = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "" };
    const started = await LabProcess.start({ name: "collector", command: process.execPath, args, env }, ground);
    const isReady = async () => (await fetch(`http://127.0.0.1:${apiPort}/readyz`)).ok;
    const stillPossible = () => started.requireRunning();
    await until("the collector", isReady, { signal: ground.signal, stillPossible, timeout: START_MS });
    return new CollectorProcess(started, alsPort, performance.now() - begin);
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

  /** Waits until it has nothing to do any more, for three seconds on end. */
  async untilQuiet(mostMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + mostMs;
    let quiet = 0;
    for (let before = this.cpu(); quiet < QUIET_SECONDS && performance.now() < end; ) {
      await delay(1_000, undefined, { signal });
      const now = this.cpu();
      quiet = now - before < 1_000 * QUIET_SHARE ? quiet + 1 : 0;
      before = now;
    }
  }

  stop(): Promise<void> {
    return this.#process.stop(15_000);
  }
}
