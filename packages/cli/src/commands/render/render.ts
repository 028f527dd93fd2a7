import { describeObject, FencelineError, type KnownObject, parseConfigOrGeneral, parseManifests, printableLines } from "@fenceline/api";
import { desiredOfManifests } from "@fenceline/collector";
import { readConfigText } from "../../config.ts";
import { type InputText, inputText, manifestFiles } from "../input-text.ts";
import { printedYaml } from "../printed-text.ts";
import { readValues } from "./values-file.ts";

/** Settings of {@link render}. */
export interface RenderOptions {
  /** Files and folders; `-` is the standard input. */
  readonly files: readonly string[];
  readonly config: string | undefined;
  /** File with values by name, instead of measured ones. Default: no value is known. */
  readonly metrics?: string | undefined;
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
  /** Milliseconds of the wall clock. */
  readonly now: number;
}

/**
 * Prints what would be applied. Nothing else is written to `out`, and nothing at all when a file is
 * not valid.
 *
 * @returns the exit code: 1 when an object is not rendered as requested
 */
export async function render({ files, config: configFile, metrics, out, err, now }: RenderOptions): Promise<0 | 1> {
  const tell = (text: string) => void err.write(`${printableLines(text)}\n`);
  try {
    const { config, remarks } = parseConfigOrGeneral(configFile === undefined ? "" : readConfigText(configFile), configFile ?? "");
    for (const remark of remarks) tell(`${configFile}: ${remark}`);
    const texts = await Promise.all(files.flatMap(manifestFiles).map(inputText));
    const objects = texts.flatMap((text) => objectsOf(text, tell));
    const repeated = firstRepeated(objects);
    if (repeated !== undefined) throw repeated;
    const desired = desiredOfManifests(objects, config, now, undefined, metrics === undefined ? undefined : readValues(metrics));
    for (const { message } of desired.refused) tell(message);
    out.write(desired.objects.map(printedYaml).join("---\n"));
    return desired.refused.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FencelineError)) throw error;
    tell(error.message);
    return 1;
  }
}

function objectsOf({ file, text }: InputText, tell: (text: string) => void): readonly KnownObject[] {
  const { objects, ignored, leftOut } = parseManifests(text, file);
  for (const { message } of leftOut) tell(message);
  const counts = new Map<string, number>();
  for (const { kind, reason } of ignored) {
    const what = `${kind ?? "a document"} (${reason})`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  for (const [what, count] of counts) tell(`${file}: left alone: ${what}${count > 1 ? `, ${count} times` : ""}`);
  return objects;
}

/** The API server has one object of a name, so it is unclear which of two is meant. */
function firstRepeated(objects: readonly KnownObject[]): FencelineError | undefined {
  const seen = new Set<string>();
  for (const each of objects) {
    const object = describeObject(each);
    if (seen.has(object)) return new FencelineError("OBJECT_REPEATED", { at: { object }, message: "stands in the manifests twice" });
    seen.add(object);
  }
  return undefined;
}
