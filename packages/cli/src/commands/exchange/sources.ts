import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FencelineError, isJsonObject, type KnownObject, parseManifests, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import { readYaml } from "@fenceline/store";
import { inputText, manifestFiles } from "../input-text.ts";

/**
 * The objects of a standalone folder: its manifests, and what its fences have learned.
 *
 * @throws {FencelineError} `STATE_UNREADABLE` when a state is damaged: an export without it would
 * lack called hosts, and nobody would notice
 */
export async function objectsOfFolder(folder: string): Promise<readonly KnownObject[]> {
  const texts = await Promise.all(manifestFiles(folder).map(inputText));
  const objects = texts.flatMap(({ file, text }) => parseManifests(text, file).objects);
  const namespaces = new Set(objects.flatMap((object) => (object.kind === SERVICE_FENCE.name ? object.metadata.namespace : [])));
  const states = new Map<string, States>();
  for (const namespace of namespaces) states.set(namespace, await statesOf(join(folder, "state", namespace)));
  return objects.map((object) => (object.kind === SERVICE_FENCE.name ? withState(object, states) : object));
}

/**
 * What the fences of a namespace have learned, by the fence's name: the name of its file may be
 * shorter.
 */
type States = ReadonlyMap<string, object>;

/** A fence as in the store: a state wins over the status of a manifest. */
function withState(fence: ServiceFence, states: ReadonlyMap<string, States>): ServiceFence {
  const state = states.get(fence.metadata.namespace)?.get(fence.metadata.name);
  return state === undefined ? fence : { ...fence, status: SERVICE_FENCE.readStatus(state).status };
}

async function statesOf(folder: string): Promise<States> {
  const states = new Map<string, object>();
  for (const name of stateFiles(folder)) {
    const file = join(folder, name);
    const { content, fault } = await readYaml(file);
    if (fault !== undefined) throw new FencelineError("STATE_UNREADABLE", { at: { file }, message: fault, hint: "mend or remove it" });
    if (isJsonObject(content) && typeof content.objectName === "string" && content.deletedAt === undefined)
      states.set(content.objectName, content);
  }
  return states;
}

function stateFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(`${SERVICE_FENCE.name}-`) && name.endsWith(".yaml"));
  } catch {
    // Nothing was learned in the folder yet.
    return [];
  }
}
