import { writeFileSync } from "node:fs";
import { FencelineError, parseConfigOrGeneral, parseManifests, printableLines, type SmartLimiter } from "@fenceline/api";
import { type SimulatedLimiter, simulateLimiter } from "@fenceline/collector";
import { readConfigText } from "../../config.ts";
import { unreadable } from "../../read-text-file.ts";
import { inputText, manifestFiles } from "../input-text.ts";
import { type PlotPanel, plotted } from "./plot.ts";
import { type RecordedSeries, readSeries } from "./series-file.ts";

/** What {@link simulate} works with. */
export interface SimulateOptions {
  /** Files and folders; `-` is the standard input. */
  readonly files: readonly string[];
  readonly series: string;
  readonly config?: string | undefined;
  /** File for a drawing. Default: none is made. */
  readonly svg?: string | undefined;
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
}

/** Most moments at which the rules of a limiter are decided. */
const MOST_MOMENTS = 200_000;

/** A rule over the whole series. */
interface RuleOverTime {
  /** `shop/reviews _base 0` */
  readonly title: string;
  readonly names: readonly string[];
  readonly perSeconds: number;
  readonly decisions: readonly { readonly at: number; readonly quota: number | undefined; readonly reason: string }[];
}

/**
 * Prints which quotas rules would have had. Nothing else goes to `out`, and nothing at all when a
 * file is not valid.
 *
 * @returns the exit code: 1 when something is not as it was asked for
 */
export async function simulate({ files, series: seriesFile, config: configFile, svg, out, err }: SimulateOptions): Promise<0 | 1> {
  const tell = (text: string) => void err.write(`${printableLines(text)}\n`);
  try {
    const { config } = parseConfigOrGeneral(configFile === undefined ? "" : readConfigText(configFile), configFile ?? "");
    const series = readSeries(seriesFile);
    const limiters = await limitersIn(files, tell);
    let isWhole = true;
    const rules = limiters.flatMap((limiter) => {
      const result = simulateLimiter(limiter, config, series.names, series.points);
      for (const { path, message } of result.faults) tell(`${titleOf(limiter)}: ${path}: ${message}`);
      isWhole &&= result.faults.length === 0;
      return overTime(limiter, result);
    });
    out.write(printableLines(tableOf(rules, series)));
    if (svg !== undefined) write(svg, plotted(panelsOf(rules, series), series));
    return isWhole ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FencelineError)) throw error;
    tell(error.message);
    return 1;
  }
}

async function limitersIn(files: readonly string[], tell: (text: string) => void): Promise<readonly SmartLimiter[]> {
  const texts = await Promise.all(files.flatMap(manifestFiles).map(inputText));
  const limiters = texts.flatMap(({ file, text }) => {
    const { objects, leftOut } = parseManifests(text, file);
    for (const { message } of leftOut) tell(message);
    return objects.filter((object): object is SmartLimiter => object.kind === "SmartLimiter");
  });
  if (limiters.length > 0) return limiters;
  throw new FencelineError("LIMITER_MISSING", { at: { path: files.join(", ") }, message: "there is no SmartLimiter" });
}

function titleOf({ metadata: { namespace, name } }: SmartLimiter): string {
  return `${namespace}/${name}`;
}

function overTime(limiter: SmartLimiter, { rules, moments }: SimulatedLimiter): readonly RuleOverTime[] {
  const all = [...boundedTo(MOST_MOMENTS, moments)];
  return rules.map(({ set, rule, interval, names }, index) => ({
    title: `${titleOf(limiter)} ${set} ${rule}`,
    names,
    perSeconds: interval / 1_000,
    decisions: all.flatMap(({ at, decisions }) => {
      const decision = decisions[index];
      return decision === undefined ? [] : [{ at, quota: decision.isActive ? decision.quota : undefined, reason: decision.reason }];
    }),
  }));
}

/** A series of days may be decided every second. */
function* boundedTo<T>(most: number, moments: Iterable<T>): Generator<T> {
  let count = 0;
  for (const moment of moments) {
    count += 1;
    if (count > most) {
      const message = `there would be more than ${most.toLocaleString("en")} decisions for a limiter`;
      throw new FencelineError("SERIES_TOO_LONG", { message, hint: "take a shorter series, or a longer stepEvery" });
    }
    yield moment;
  }
}

/**
 * A line for each moment at which any rule was decided. A rule that limits nothing has no quota.
 */
function tableOf(rules: readonly RuleOverTime[], { names, points, isClock }: RecordedSeries): string {
  const head = ["time", ...names, ...rules.flatMap(({ title }) => [`${title} quota`, `${title} reason`])];
  const moments = [...new Set([...points.map(({ at }) => at), ...rules.flatMap(({ decisions }) => decisions.map(({ at }) => at))])];
  const inputs = new Latest(points);
  const decided = rules.map(({ decisions }) => new Latest(decisions));
  const lines = moments
    .sort((one, other) => one - other)
    .map((at) => {
      const values = inputs.until(at)?.values;
      const cells = decided.flatMap((each) => {
        const { quota, reason = "" } = each.until(at) ?? {};
        return [quota, reason];
      });
      return [isClock ? new Date(at).toISOString() : at / 1_000, ...names.map((name) => values?.get(name)), ...cells];
    });
  return [head, ...lines].map((cells) => `${cells.map(cellText).join(",")}\n`).join("");
}

/** The last of a list up to a moment, for moments that do not go back. */
class Latest<T extends { readonly at: number }> {
  readonly #list: readonly T[];
  #next = 0;

  constructor(list: readonly T[]) {
    this.#list = list;
  }

  until(at: number): T | undefined {
    while ((this.#list[this.#next]?.at ?? Number.POSITIVE_INFINITY) <= at) this.#next += 1;
    return this.#list[this.#next - 1];
  }
}

function cellText(cell: string | number | undefined): string {
  const text = String(cell ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Each rule, with the values that it uses above it. */
function panelsOf(rules: readonly RuleOverTime[], { points }: RecordedSeries): readonly PlotPanel[] {
  const names = [...new Set(rules.flatMap((rule) => rule.names))].sort();
  return [
    ...names.map((name) => ({ title: name, isQuota: false, steps: points.map(({ at, values }) => ({ at, value: values.get(name) })) })),
    ...rules.map(({ title, perSeconds, decisions }) => ({
      title: `${title}: quota for ${perSeconds} s`,
      isQuota: true,
      steps: decisions.map(({ at, quota }) => ({ at, value: quota })),
    })),
  ];
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}
