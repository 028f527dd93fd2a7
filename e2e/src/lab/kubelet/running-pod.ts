import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PROJECT } from "../../places.ts";
import type { LabContext } from "../context.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { AGENT_PORT } from "../pod/agent.ts";
import type { Pod } from "../pod/pod.ts";
import type { PodSpec } from "../pod/pod-object.ts";
import type { LabProcess } from "../process.ts";
import { until } from "../until.ts";
import {
  type Container,
  invocation,
  isInjected,
  type PodObject,
  type Probe,
  type ProjectedConfigMap,
  portNumber,
  proxyConfig,
} from "./pod-template.ts";
import { follow, type ProbeOptions, probe } from "./probe.ts";
import { projectToken } from "./projected-token.ts";

/** What the kubelet needs to run a pod. */
export interface KubeletContext {
  readonly context: LabContext;
  readonly client: KubernetesClient;
  adopt(spec: PodSpec): Promise<Pod>;
}

/**
 * The first restart of a container is immediate, later ones follow after this many milliseconds,
 * doubled each time.
 */
const RESTART_DELAY = 10_000;
const GRACE_SECONDS = 30;

/**
 * A pod of a Deployment or a Job, run as its object says: without its image, but with its command,
 * arguments, environment and probes.
 */
export class RunningPod {
  readonly object: PodObject;
  readonly pod: Pod;
  readonly #kubelet: KubeletContext;
  readonly #containers = new Map<string, LabProcess>();
  readonly #stops: (() => void)[] = [];
  #isEnding = false;

  private constructor(kubelet: KubeletContext, object: PodObject, pod: Pod) {
    this.#kubelet = kubelet;
    this.object = object;
    this.pod = pod;
  }

  /** Resolves when its containers run, which does not mean that it is ready. */
  static async start(kubelet: KubeletContext, object: PodObject): Promise<RunningPod> {
    const { namespace, name, labels = {} } = object.metadata;
    const { serviceAccountName = "default" } = object.spec;
    const home = await kubelet.client.get({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const proxy = isInjected(object, home) && { config: proxyConfig(object), probers: probers(object) };
    const pod = await kubelet.adopt({ namespace, name, labels, serviceAccount: serviceAccountName, proxy });
    const running = new RunningPod(kubelet, object, pod);
    const folders = await running.#writeVolumes();
    for (const container of object.spec.containers) await running.#startContainer(container, folders);
    running.#probeAll();
    return running;
  }

  /** A container's process, for a suite that kills it. */
  container(name: string): LabProcess {
    const process = this.#containers.get(name);
    if (process === undefined) throw new Error(`${this.object.metadata.name} has no container ${name}`);
    return process;
  }

  /** The current result of its readiness probes; the pod's `Ready` follows some failures later. */
  async isReady(): Promise<boolean> {
    const probes = this.object.spec.containers.flatMap((container) =>
      container.readinessProbe === undefined ? [] : [probe(this.#probe(container, container.readinessProbe, "readyz"))],
    );
    return (await Promise.all(probes)).every((succeeds) => succeeds);
  }

  /** Ends it, within the grace period of its deletion. */
  async end(graceSeconds = GRACE_SECONDS): Promise<void> {
    this.#isEnding = true;
    for (const stop of this.#stops) stop();
    await this.pod.delete(graceSeconds * 1_000);
  }

  async #startContainer(container: Container, folders: ReadonlyMap<string, string>): Promise<void> {
    const { automountServiceAccountToken = true } = this.object.spec;
    const { command, env } = invocation(this.object, container, { folders, address: this.pod.address });
    const [program = "", ...args] = command;
    const access = automountServiceAccountToken ? { KUBECONFIG: await this.pod.kubeconfig() } : {};
    const process = await this.pod.run({
      name: container.name,
      // The image's Node and folder are ours.
      command: program === "node" ? globalThis.process.execPath : program,
      args,
      cwd: PROJECT,
      env: { ...env, ...access },
    });
    this.#containers.set(container.name, process);
    void this.#supervise(process).catch(() => {});
  }

  /** Restarts an ended container, or not, by the pod's policy, like a kubelet. */
  async #supervise(process: LabProcess): Promise<void> {
    for (let restarts = 0; ; restarts++) {
      const code = await process.ended();
      if (this.#isEnding) return;
      if (this.object.spec.restartPolicy === "Never") return this.pod.setEnded(code === 0);
      if (restarts > 0) await delay(RESTART_DELAY * 2 ** (restarts - 1), undefined, { ref: false, signal: this.#kubelet.context.signal });
      if (this.#isEnding) return;
      await process.start();
    }
  }

  #probeAll(): void {
    for (const container of this.object.spec.containers) {
      const { readinessProbe, livenessProbe, name } = container;
      if (readinessProbe === undefined) void this.pod.setReady(true).catch(() => {});
      else void this.#followReadiness(this.#probe(container, readinessProbe, "readyz"));
      if (livenessProbe === undefined) continue;
      const kill = (succeeds: boolean) => (succeeds ? Promise.resolve() : this.container(name).kill());
      this.#stops.push(follow(this.#probe(container, livenessProbe, "livez"), kill));
    }
  }

  /**
   * Until the first success it probes more often, to save time; the pod's `Ready` follows the probe
   * from then on.
   */
  async #followReadiness(options: ProbeOptions): Promise<void> {
    const { signal } = this.#kubelet.context;
    const stillPossible = () => {
      if (this.#isEnding) throw new Error("the pod is ending");
    };
    try {
      await until("its readiness", () => probe(options), { signal, timeout: 600_000, stillPossible });
      await this.pod.setReady(true);
    } catch {
      return;
    }
    this.#stops.push(follow(options, (ready) => this.pod.setReady(ready)));
    if (this.#isEnding) for (const stop of this.#stops) stop();
  }

  #probe(
    container: Container,
    { httpGet, periodSeconds = 10, timeoutSeconds = 1, failureThreshold = 3 }: Probe,
    kind: string,
  ): ProbeOptions {
    const { address } = this.pod;
    const direct = `${portNumber(container, httpGet?.port ?? 0)}${httpGet?.path ?? "/"}`;
    const url = `http://${address}:${this.pod.spec.proxy !== false ? `${AGENT_PORT}${proberPath(container, kind)}` : direct}`;
    return { url, period: periodSeconds * 1_000, timeout: timeoutSeconds * 1_000, failureThreshold };
  }

  async #writeVolumes(): Promise<ReadonlyMap<string, string>> {
    const { namespace, name } = this.object.metadata;
    const folders = new Map<string, string>();
    for (const volume of this.object.spec.volumes ?? []) {
      const folder = join(this.#kubelet.context.run.path, `${name}.${namespace}`, volume.name);
      mkdirSync(folder, { recursive: true });
      if (volume.configMap !== undefined) await this.#writeConfigMap(folder, volume.configMap);
      for (const { serviceAccountToken: source, configMap } of volume.projected?.sources ?? []) {
        if (configMap !== undefined) await this.#writeConfigMap(folder, configMap);
        if (source === undefined) continue;
        const file = join(folder, source.path);
        this.#stops.push(await projectToken({ client: this.#kubelet.client, pod: this.object, source, file }));
      }
      folders.set(volume.name, folder);
    }
    return folders;
  }

  async #writeConfigMap(folder: string, { name, items }: ProjectedConfigMap): Promise<void> {
    const { namespace } = this.object.metadata;
    const found = await this.#kubelet.client.get({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name } });
    const files = Object.entries((found as { data?: Record<string, string> } | undefined)?.data ?? {});
    for (const [key, content] of files) {
      const file = items === undefined ? key : items.find((item) => item.key === key)?.path;
      if (file !== undefined) writeFileSync(join(folder, file), content);
    }
  }
}

/** Where Istio's injection moves the probes to. */
function probers({ spec }: PodObject) {
  const moved = spec.containers.flatMap((container) =>
    [
      { kind: "readyz", probe: container.readinessProbe },
      { kind: "livez", probe: container.livenessProbe },
    ].flatMap(({ kind, probe: { httpGet } = {} }) =>
      httpGet === undefined
        ? []
        : [[proberPath(container, kind), { httpGet: { path: httpGet.path, port: portNumber(container, httpGet.port) } }] as const],
    ),
  );
  return Object.fromEntries(moved);
}

function proberPath({ name }: Container, kind: string): string {
  return `/app-health/${name}/${kind}`;
}
