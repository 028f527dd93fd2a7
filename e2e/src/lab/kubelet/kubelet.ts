import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PodObject } from "./pod-template.ts";
import { type KubeletContext, RunningPod } from "./running-pod.ts";

/** Milliseconds between two reads of the pods. */
const INTERVAL = 200;

/**
 * Scheduler and kubelet of the lab's only node: runs the pods of Deployments and Jobs, and ends
 * deleted ones. Pods that a suite creates itself have their node from the start, and are not
 * handled here.
 */
export class Kubelet {
  readonly #kubelet: KubeletContext;
  readonly #closed = new AbortController();
  readonly #pods = new Map<string, Promise<RunningPod>>();
  readonly #running = new Map<string, RunningPod>();
  readonly #ending = new Set<string>();

  constructor(kubelet: KubeletContext) {
    this.#kubelet = kubelet;
    kubelet.context.closers.add(() => this.#closed.abort());
    void this.#loop();
  }

  /** The pods that run and are not being deleted, oldest first. @param labels that they have */
  pods(namespace: string, labels: Readonly<Record<string, string>>): readonly RunningPod[] {
    return [...this.#running.values()].filter(
      ({ object: { metadata } }) =>
        metadata.namespace === namespace &&
        !this.#ending.has(metadata.uid) &&
        Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value),
    );
  }

  async #loop(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        const pods = (await this.#kubelet.client.list("v1", "Pod")) as PodObject[];
        for (const pod of pods) this.#look(pod);
        this.#endVanished(new Set(pods.map(({ metadata: { uid } }) => uid)));
      } catch {
        // The API server is down; running pods go on.
      }
      await delay(INTERVAL, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
    }
  }

  #look(pod: PodObject): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (deletionTimestamp !== undefined) this.#end(uid, deletionGracePeriodSeconds);
    else if (pod.spec.nodeName === undefined && !this.#pods.has(uid)) this.#start(pod);
  }

  #start(pod: PodObject): void {
    const { uid, namespace, name } = pod.metadata;
    const started = RunningPod.start(this.#kubelet, pod);
    this.#pods.set(uid, started);
    started.then(
      (running) => this.#running.set(uid, running),
      (error: unknown) => this.#log(`${namespace}/${name} does not start: ${error}`),
    );
  }

  #end(uid: string, graceSeconds: number | undefined): void {
    const started = this.#pods.get(uid);
    if (started === undefined || this.#ending.has(uid)) return;
    this.#ending.add(uid);
    started
      .then((pod) => pod.end(graceSeconds))
      .catch((error: unknown) => this.#log(`pod ${uid} does not end: ${error}`))
      .finally(() => {
        this.#pods.delete(uid);
        this.#running.delete(uid);
      });
  }

  /** A pod that was deleted by force has no object any more. */
  #endVanished(present: ReadonlySet<string>): void {
    for (const uid of this.#running.keys()) if (!present.has(uid)) this.#end(uid, 0);
  }

  #log(line: string): void {
    if (!this.#closed.signal.aborted)
      appendFileSync(join(this.#kubelet.context.logs, "kubelet.log"), `${new Date().toISOString()} ${line}\n`);
  }
}
