import type { Options } from "./options.ts";
import type { Settings } from "./settings.ts";

/** The result of a suite: a table for people, and the same for programs. */
export interface Report {
  readonly text: string;
  readonly data: Record<string, unknown>;
  /** Whether the run shows a fault, not only a missed goal: then the exit code is 1. */
  readonly failed?: boolean;
}

/** Something that is measured. */
export interface Suite {
  readonly defaults: Settings;
  run(settings: Settings, options: Options): Promise<Report>;
}
