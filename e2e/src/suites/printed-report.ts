import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { RESULTS } from "../places.ts";
import { type Releases, releasesSuffix } from "../setup/releases.ts";
import type { Figure, Report } from "./suite.ts";

/** How a suite ended. */
export interface SuiteResult {
  readonly suite: string;
  /** Steps. */
  readonly passed: number;
  /** Steps, and the suite's own code between them. */
  readonly failed: number;
  readonly milliseconds: number;
}

/** A report on standard output and, with its figures, in a file of `e2e/results`. */
export class PrintedReport implements Report {
  readonly #suite: string;
  readonly #releases: Releases;
  readonly #start = performance.now();
  readonly #figures: Figure[] = [];
  readonly #steps: { sentence: string; passed: boolean; milliseconds: number }[] = [];
  #failure: string | undefined;

  constructor(suite: string, releases: Releases) {
    this.#suite = suite;
    this.#releases = releases;
    console.log(`\n${suite}`);
  }

  async step<T>(sentence: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    let passed = false;
    try {
      const result = await work();
      passed = true;
      return result;
    } finally {
      const milliseconds = Math.round(performance.now() - start);
      this.#steps.push({ sentence, passed, milliseconds });
      console.log(`  ${passed ? "ok  " : "FAIL"} ${sentence} (${milliseconds} ms)`);
    }
  }

  figure(name: string, value: number | string, unit: Figure["unit"] = ""): void {
    this.#figures.push({ name, value: typeof value === "number" ? Number(value.toFixed(value < 100 ? 1 : 0)) : value, unit });
  }

  /** The suite ended early. @param why with what a person needs to find it */
  fail(why: string): void {
    this.#failure = why;
    console.log(why.replace(/^/gm, "       "));
  }

  get result(): SuiteResult {
    const passed = this.#steps.filter((step) => step.passed).length;
    const failed = Math.max(this.#steps.length - passed, this.#failure === undefined ? 0 : 1);
    return { suite: this.#suite, passed, failed, milliseconds: Math.round(performance.now() - this.#start) };
  }

  /** Prints the table and writes the file, also for a suite that failed. */
  async end(): Promise<void> {
    const width = Math.max(0, ...this.#figures.map(({ name }) => name.length));
    for (const { name, value, unit } of this.#figures) console.log(`  ${name.padEnd(width)}  ${value} ${unit}`.trimEnd());
    await mkdir(RESULTS, { recursive: true });
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
    const { envoy, istio } = this.#releases;
    const { passed, failed, milliseconds } = this.result;
    const result = {
      suite: this.#suite,
      at: new Date().toISOString(),
      machine,
      mesh: { envoy: envoy.version, istio: istio.module },
      passed,
      failed,
      milliseconds,
      ...(this.#failure !== undefined && { failure: this.#failure }),
      steps: this.#steps,
      figures: this.#figures,
    };
    await writeFile(join(RESULTS, `${this.#suite}${releasesSuffix(this.#releases)}.json`), `${JSON.stringify(result, null, 2)}\n`);
  }
}
