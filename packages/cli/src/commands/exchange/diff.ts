import {
  FencelineError,
  parseManifests,
  SERVICE_FENCE,
  type ServiceFence,
  WRITTEN_POLICY,
  WRITTEN_SIDECAR,
  type WrittenObject,
} from "@fenceline/api";
import { type Compared, differences, differencesText, type ExportFormat, exportedFence } from "@fenceline/collector";
import { inputText, manifestFiles } from "../input-text.ts";
import { printedJson } from "../printed-text.ts";
import { type ExportPlace, takeExport } from "./export.ts";

interface DiffSettings extends ExportPlace {
  /** A file or folder; `-` is the standard input. */
  readonly before: string;
  /** The same. Default: the current state of the {@link ExportPlace}. */
  readonly after: string | undefined;
  readonly namespace?: string | undefined;
  readonly format: "text" | "json";
  readonly out: { write(text: string): unknown };
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

const FORMATS: Readonly<Record<string, ExportFormat>> = {
  ServiceFence: "service-fence",
  Sidecar: "sidecar",
  AuthorizationPolicy: "authorization-policy",
};

/**
 * Prints the differences between two exports, or between an export and the current state.
 *
 * @returns the exit code: 1 when something differs
 */
export async function diff({ before, after, namespace, format, out, now, ...place }: DiffSettings): Promise<0 | 1> {
  const old = await objectsOf(before);
  const current = after === undefined ? await currentOf(old, { ...place, namespace, now }) : await objectsOf(after);
  const inNamespace = ({ metadata }: Compared) => namespace === undefined || metadata.namespace === namespace;
  const found = differences(old.filter(inNamespace), current.filter(inNamespace));
  out.write(format === "json" ? printedJson({ differences: found }) : differencesText(found));
  return found.length === 0 ? 0 : 1;
}

async function objectsOf(path: string): Promise<readonly Compared[]> {
  const texts = await Promise.all(manifestFiles(path).map(inputText));
  const kinds = [SERVICE_FENCE, WRITTEN_SIDECAR, WRITTEN_POLICY];
  const objects = texts.flatMap(({ file, text }) => parseManifests<ServiceFence | WrittenObject>(text, file, kinds).objects);
  return objects.map(comparedOf);
}

/** A fence is compared in its exported form, however it is written. */
function comparedOf(object: ServiceFence | WrittenObject): Compared {
  return "status" in object ? exportedFence({ fence: object, status: object.status }).object : object;
}

/** The current state, with the kinds of the export to which it is compared. */
async function currentOf(
  old: readonly Compared[],
  place: Omit<Parameters<typeof takeExport>[0], "format" | "times">,
): Promise<readonly Compared[]> {
  const formats = [...new Set(old.map(({ kind }) => FORMATS[kind] ?? "service-fence"))];
  if (formats.length === 0)
    throw new FencelineError("EXPORT_EMPTY", { message: "there is nothing in the export, so what to compare it with is not known" });
  const exports = await Promise.all(formats.map((format) => takeExport({ ...place, format, times: false })));
  return exports.flat().map(({ object }) => object);
}
