import type { Options } from "./options.ts";
import type { Settings } from "./settings.ts";

/** What a suite hands back: a table for people, and the same for programs. */
export interface Report {
  readonly text: string;
  readonly data: Record<string, unknown>;
  /** Whether the run shows a fault, not just a goal that was missed: the exit code is then 1. */
  readonly failed?: boolean;
}

/** Something that is measured. */
export interface Suite {
  readonly defaults: Settings;
  run(settings: Settings, options: Options): Promise<Report>;
}
