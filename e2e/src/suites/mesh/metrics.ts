import { FencelineError } from "@fenceline/api";
import type { RunningPod } from "../../lab/kubelet/running-pod.ts";
import { App } from "../../lab/pod/app.ts";

/**
 * The metrics of a pod of Fenceline. They are asked for inside of it: from outside, nothing passes
 * its Envoy without mTLS.
 */
export class Metrics {
  readonly #app: App;
  readonly #url: string;

  private constructor(app: App, url: string) {
    this.#app = app;
    this.#url = url;
  }

  /** @param port at which the pod serves `/metrics` */
  static async of({ pod }: RunningPod, port: number): Promise<Metrics> {
    return new Metrics(await App.start(pod, {}), `http://127.0.0.1:${port}/metrics`);
  }

  /**
   * One value.
   * @param series its name, with its labels as they are printed: `name{label="value"}`
   */
  async read(series: string): Promise<number> {
    const { body } = await this.#app.call(this.#url);
    const line = String(body)
      .split("\n")
      .find((one) => one.startsWith(`${series} `));
    if (line === undefined) throw new FencelineError("LAB_NO_METRIC", { message: `there is no ${series} at ${this.#url}` });
    return Number(line.slice(series.length));
  }
}
