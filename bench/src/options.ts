import { parseArgs } from "node:util";

/** The options of the command line. */
export interface Options {
  /** Names of the suites to run; empty: those that are run by default. */
  readonly suites: readonly string[];
  /** Rows of the suite `proxy`; undefined: all. */
  readonly rows: readonly string[] | undefined;
  /** Peers of the suite `proxy`; undefined: all. */
  readonly peers: readonly string[] | undefined;
  /** Length of the suite `soak` in minutes. */
  readonly minutes: number;
  /** Steps of the suite `control`, by their number of Services; undefined: all. */
  readonly steps: readonly string[] | undefined;
}

/** Reads the command line. Throws on an option that does not exist. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rows: { type: "string" },
      peers: { type: "string" },
      minutes: { type: "string", default: "60" },
      steps: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is not a positive number`);
  return { suites: positionals, rows: list(values.rows), peers: list(values.peers), minutes, steps: list(values.steps) };
}

/**
 * The requested items of `known`, in the order of `known`; all when nothing was requested. Letter
 * case does not matter. Throws on an unknown name.
 */
export function choose<Item>(known: readonly Item[], nameOf: (item: Item) => string, wanted: readonly string[] | undefined): Item[] {
  const names = known.map((item) => nameOf(item).toLowerCase());
  const unknown = wanted?.find((name) => !names.includes(name.toLowerCase()));
  if (unknown !== undefined) throw new Error(`there is no '${unknown}', only ${known.map(nameOf).join(", ")}`);
  const chosen = new Set(wanted?.map((name) => name.toLowerCase()) ?? names);
  return known.filter((item) => chosen.has(nameOf(item).toLowerCase()));
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(",").map((item) => item.trim());
}
