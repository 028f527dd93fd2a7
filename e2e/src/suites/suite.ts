import type { Lab } from "../lab/lab.ts";

/** A figure that a suite measured. */
export interface Figure {
  readonly name: string;
  readonly value: number | string;
  /** Default: none. */
  readonly unit?: "ms" | "s" | "MB" | "";
}

/** What a suite tells about itself while it runs. */
export interface Report {
  /**
   * Does one step and prints a line for it: the sentence, and whether it is true. A step that fails
   * ends the suite.
   */
  step<T>(sentence: string, work: () => Promise<T>): Promise<T>;
  /** A figure for the table and the JSON file. */
  figure(name: string, value: number | string, unit?: Figure["unit"]): void;
}

/** A suite runs in a lab that it may share with suites before it, in namespaces of its own. */
export interface Suite {
  readonly name: string;
  run(lab: Lab, report: Report): Promise<void>;
}
