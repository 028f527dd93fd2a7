import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { istioFile } from "../../setup/istio.ts";
import { DEFAULT_RELEASES, type IstioRelease } from "../../setup/releases.ts";
import { type UntilOptions, until } from "../until.ts";
import type { KubernetesClient } from "./client.ts";
import type { KubernetesObject } from "./object.ts";

/** Installs the kinds of an Istio, and waits until the API server serves them. */
export async function installIstioKinds(
  client: KubernetesClient,
  waiting: UntilOptions,
  istio: IstioRelease = DEFAULT_RELEASES.istio,
): Promise<void> {
  await installDefinitions(client, await definitionsIn(istioFile(istio, "definitions")), waiting);
}

/** Installs kinds, and waits until the API server serves them. */
export async function installDefinitions(
  client: KubernetesClient,
  definitions: readonly KubernetesObject[],
  waiting: UntilOptions,
): Promise<void> {
  await Promise.all(definitions.map((definition) => client.apply(definition)));
  await Promise.all(
    definitions.map((definition) => until(`${definition.metadata.name} to be served`, () => isEstablished(client, definition), waiting)),
  );
}

/** The definitions in a file of YAML. */
export async function definitionsIn(file: string): Promise<KubernetesObject[]> {
  return parseAllDocuments(await readFile(file, "utf8"))
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

async function isEstablished(client: KubernetesClient, definition: KubernetesObject): Promise<boolean> {
  const { status } = ((await client.get(definition)) ?? {}) as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === "Established" && condition.status === "True") ?? false;
}
