import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Config,
  describeObject,
  parseManifests,
  printableLines,
  SERVICE_FENCE,
  type ServiceFence,
  WRITTEN_SIDECAR,
  type WrittenObject,
} from "@fenceline/api";
import { type Exported, exportedFence, type Imported, importedSidecar } from "@fenceline/collector";
import { unreadable } from "../../read-text-file.ts";
import { inputText, manifestFiles } from "../input-text.ts";
import { exportText } from "./yaml.ts";

const KINDS = [SERVICE_FENCE, WRITTEN_SIDECAR];

interface ImportSettings {
  /** Files and folders; `-` is the standard input. */
  readonly files: readonly string[];
  /** Folder to write into. Default: the standard output. */
  readonly output: string | undefined;
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
}

/**
 * Writes fences that declare what fences have learned, or what Sidecars show, and reports what has
 * no meaning in a fence.
 *
 * @returns the exit code: 1 when an object is left out
 */
export async function importObjects({ files, output, out, err }: ImportSettings): Promise<0 | 1> {
  const texts = await Promise.all(files.flatMap(manifestFiles).map(inputText));
  const objects = texts.flatMap(({ file, text }) => parseManifests<ServiceFence | WrittenObject>(text, file, KINDS).objects);
  const imported = objects.map((object) => ({ object, ...importedOf(object) }));
  for (const { object, told } of imported) for (const each of told) err.write(`${printableLines(`${describeObject(object)}: ${each}`)}\n`);
  const fences = imported.flatMap(({ exported }) => exported ?? []);
  if (output === undefined) out.write(exportText(fences));
  else writeInto(output, fences);
  return fences.length === imported.length ? 0 : 1;
}

function importedOf(object: ServiceFence | WrittenObject): Imported {
  if ("status" in object) return { exported: exportedFence({ fence: object, status: object.status }), told: [] };
  return importedSidecar(object, Config.parse({}));
}

function writeInto(folder: string, fences: readonly Exported[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const fence of fences) {
      const { namespace, name } = fence.object.metadata;
      // No namespace has a dot in its name, so no two fences have one file.
      writeFileSync(join(folder, `ServiceFence-${namespace}.${name}.yaml`), exportText([fence]));
    }
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}
