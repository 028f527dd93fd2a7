import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type KnownObject, parseManifests, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import { parse } from "yaml";
import { inputText, manifestFiles } from "../input-text.ts";

/** The mesh of a standalone folder: its manifests, and what its fences have learned. */
export async function objectsOfFolder(folder: string): Promise<readonly KnownObject[]> {
  const texts = await Promise.all(manifestFiles(folder).map(inputText));
  const objects = texts.flatMap(({ file, text }) => parseManifests(text, file).objects);
  return objects.map((object) => (object.kind === SERVICE_FENCE.name ? withState(object, folder) : object));
}

/** As the store has it: a state wins over the status of a manifest. */
function withState(fence: ServiceFence, folder: string): ServiceFence {
  const state = statesOf(join(folder, "state", fence.metadata.namespace)).get(fence.metadata.name);
  return state === undefined ? fence : { ...fence, status: SERVICE_FENCE.readStatus(state).status };
}

/** What the fences of a namespace have learned, by name: a file is named shorter than some. */
function statesOf(folder: string): ReadonlyMap<string, object> {
  const states = new Map<string, object>();
  for (const file of stateFiles(folder)) {
    const content: unknown = parse(readFileSync(join(folder, file), "utf8"));
    if (isJsonObject(content) && typeof content.objectName === "string" && content.deletedAt === undefined)
      states.set(content.objectName, content);
  }
  return states;
}

function stateFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(`${SERVICE_FENCE.name}-`) && name.endsWith(".yaml"));
  } catch {
    // A folder in which nothing was learned yet.
    return [];
  }
}
