import { writeFileSync } from "node:fs";
import { Config, type KnownObject } from "@fenceline/api";
import { type Exported, type ExportFormat, exportOfManifests } from "@fenceline/collector";
import { unreadable } from "../../read-text-file.ts";
import { collectorAt, listOf } from "../collector-api.ts";
import { objectsOfFolder } from "./sources.ts";
import { exportText } from "./yaml.ts";

/** The source of an export. The first one that is given counts; without any, the cluster. */
export interface ExportPlace {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly dir?: string | undefined;
  readonly kubeconfig?: string | undefined;
}

export interface ExportSettings extends ExportPlace {
  readonly format: ExportFormat;
  readonly namespace?: string | undefined;
  readonly times: boolean;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/** Takes an export. */
export async function takeExport({ url, tokenFile, dir, kubeconfig, ...settings }: ExportSettings): Promise<readonly Exported[]> {
  if (url !== undefined) {
    const { format, times, namespace } = settings;
    const query = { format, times: String(times), ...(namespace !== undefined && { namespace }) };
    return listOf(await collectorAt(url, tokenFile), "/api/v1/export", "objects", query);
  }
  const objects = dir === undefined ? await objectsIn(kubeconfig) : await objectsOfFolder(dir);
  return exportOfManifests(objects, Config.parse({}), settings);
}

async function objectsIn(kubeconfig: string | undefined): Promise<readonly KnownObject[]> {
  // Imported here: only this source needs a client of Kubernetes.
  const { objectsOfCluster } = await import("./cluster-source.ts");
  return objectsOfCluster(kubeconfig);
}

/** Writes objects to a file, or to the standard output if none is given. */
export function writeObjects(exported: readonly Exported[], output: string | undefined): void {
  const text = exportText(exported);
  if (output === undefined) process.stdout.write(text);
  else {
    try {
      writeFileSync(output, text);
    } catch (cause) {
      throw unreadable(output, cause);
    }
  }
}
