/**
 * Number and length of measurements. `BENCH_ROUNDS` and `BENCH_SECONDS` change them, for a quick
 * run.
 */
export interface Settings {
  /** Rounds; each measures every peer once. */
  readonly rounds: number;
  /** Seconds per measurement, after a warm-up. */
  readonly seconds: number;
}

/** The settings of this run. */
export function settings(defaults: Settings, env: NodeJS.ProcessEnv = process.env): Settings {
  return { rounds: positive(env.BENCH_ROUNDS, defaults.rounds), seconds: positive(env.BENCH_SECONDS, defaults.seconds) };
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!(value > 0)) throw new Error(`'${text}' is not a positive number`);
  return value;
}
