import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { RESULTS } from "../places.ts";
import type { Figure, Report } from "./suite.ts";

/** A report on standard output and, with its figures, in a file of `e2e/results`. */
export class PrintedReport implements Report {
  readonly #suite: string;
  readonly #figures: Figure[] = [];
  readonly #steps: { sentence: string; passed: boolean; milliseconds: number }[] = [];

  constructor(suite: string) {
    this.#suite = suite;
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

  /** Prints the table and writes the file, also for a suite that failed. */
  async end(): Promise<void> {
    const width = Math.max(0, ...this.#figures.map(({ name }) => name.length));
    for (const { name, value, unit } of this.#figures) console.log(`  ${name.padEnd(width)}  ${value} ${unit}`.trimEnd());
    await mkdir(RESULTS, { recursive: true });
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
    const result = { suite: this.#suite, at: new Date().toISOString(), machine, steps: this.#steps, figures: this.#figures };
    await writeFile(join(RESULTS, `${this.#suite}.json`), `${JSON.stringify(result, null, 2)}\n`);
  }
}
