import {
  contentOf,
  FencelineError,
  InvalidResource,
  isJsonObject,
  type JsonObject,
  parseYaml,
  printableLines,
  type SlimeBootValues,
  slimeBootValues,
  slimeModuleValues,
  syntaxFaults,
} from "@fenceline/api";
import { type InputText, inputText } from "../input-text.ts";
import { printedYaml } from "../printed-text.ts";

/** Settings of {@link migrate}. */
export interface MigrateOptions {
  /** Files; `-` is the standard input. */
  readonly files: readonly string[];
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
}

/** A key of a ConfigMap in which Slime has a module: `cfg`, or `cfg_<name>` in a bundle. */
const MODULE_KEY = /^cfg(?:_.+)?$/;

/**
 * Prints values for our chart. Nothing else is written to `out`, and nothing at all when a file is
 * not valid.
 *
 * @returns the exit code: 1 when the values lack some of the settings
 */
export async function migrate({ files, out, err }: MigrateOptions): Promise<0 | 1> {
  const tell = (text: string) => void err.write(`${printableLines(text)}\n`);
  try {
    const inputs = await Promise.all(files.map(inputText));
    const readings = inputs.flatMap((input) => readingsOf(input, tell));
    for (const { file, remarks } of readings) for (const remark of remarks) tell(`${file}: ${remark}`);
    const faults = readings.flatMap(({ file, faults: found }) => found.map((fault) => `${file}: ${fault}`));
    for (const fault of faults) tell(fault);
    if (faults.length > 0) return 1;
    const { values, untaken } = merged(readings);
    for (const line of untaken) tell(line);
    out.write(`# Values for the chart of Fenceline, from ${files.map((file) => printableLines(file)).join(", ")}\n${printedYaml(values)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof FencelineError)) throw error;
    tell(error.message);
    return 1;
  }
}

interface Reading extends SlimeBootValues {
  readonly file: string;
}

/** @throws {InvalidResource} `SLIME_SETTINGS_INVALID` */
function readingsOf({ file, text }: InputText, tell: (text: string) => void): readonly Reading[] {
  const { documents, lines } = parseYaml(text);
  const found: Reading[] = [];
  for (const document of documents) {
    const [fault] = syntaxFaults(document, lines);
    if (fault !== undefined) throw invalid(file, fault.message, fault.line);
    const { value, fault: broken } = contentOf(document);
    if (broken !== undefined) throw invalid(file, broken);
    for (const object of itemsOf(value)) {
      const readings = readingsOfObject(object, file);
      if (readings === undefined) tell(`${file}: left alone: ${String(object.kind ?? "a document")}`);
      else found.push(...readings.map((reading) => ({ ...reading, file })));
    }
  }
  if (found.length === 0) throw invalid(file, "no settings of Slime are in it: neither a SlimeBoot, nor a ConfigMap or file with a module");
  return found;
}

function itemsOf(value: unknown): readonly JsonObject[] {
  if (!isJsonObject(value)) return [];
  return Array.isArray(value.items) && String(value.kind).endsWith("List") ? value.items.flatMap(itemsOf) : [value];
}

/** Undefined for an object without settings of Slime. */
function readingsOfObject(object: JsonObject, file: string): readonly SlimeBootValues[] | undefined {
  const { kind, apiVersion, spec, data, module: modules } = object;
  if (kind === "SlimeBoot") return [slimeBootValues(isJsonObject(spec) ? spec : {})];
  if (kind === "ConfigMap" && isJsonObject(data)) {
    const texts = Object.entries(data).filter(([key]) => MODULE_KEY.test(key));
    return texts.length === 0 ? undefined : texts.map(([key, text]) => slimeModuleValues(moduleIn(String(text), `${file} ${key}`)));
  }
  if (apiVersion !== undefined) return undefined;
  if (Array.isArray(modules)) return [slimeBootValues(object)];
  return isJsonObject(object.general) || isJsonObject(object.fence) ? [slimeModuleValues(object)] : undefined;
}

function moduleIn(text: string, file: string): JsonObject {
  const { documents, lines } = parseYaml(text);
  const [document] = documents;
  const [fault] = document === undefined ? [] : syntaxFaults(document, lines);
  if (fault !== undefined) throw invalid(file, fault.message, fault.line);
  const value = document === undefined ? undefined : contentOf(document).value;
  if (!isJsonObject(value)) throw invalid(file, "no module of Slime");
  return value;
}

/** The first setting counts, as in one SlimeBoot. */
function merged(readings: readonly Reading[]): { readonly values: JsonObject; readonly untaken: readonly string[] } {
  const untaken: string[] = [];
  const into = (values: Record<string, unknown>, more: JsonObject, file: string, above: string): Record<string, unknown> => {
    for (const [key, value] of Object.entries(more)) {
      const before = values[key];
      const path = above === "" ? key : `${above}.${key}`;
      if (before === undefined) values[key] = value;
      else if (isJsonObject(before) && isJsonObject(value)) values[key] = into({ ...before }, value, file, path);
      else if (JSON.stringify(before) !== JSON.stringify(value))
        untaken.push(`${file}: its ${path} has no effect: one before says another value`);
    }
    return values;
  };
  const values = readings.reduce<Record<string, unknown>>((all, reading) => into(all, reading.values, reading.file, ""), {});
  return { values, untaken };
}

function invalid(file: string, message: string, line?: number): InvalidResource {
  return new InvalidResource("SLIME_SETTINGS_INVALID", { at: { file, ...(line !== undefined && { line }) }, message });
}
