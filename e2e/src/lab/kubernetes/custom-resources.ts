import { readFile } from "node:fs/promises";
import { FENCE_API_VERSIONS } from "@fenceline/api";
import { parseAllDocuments } from "yaml";
import { istioFile } from "../../places.ts";
import { type UntilOptions, until } from "../until.ts";
import type { KubernetesClient, KubernetesObject } from "./client.ts";

/** Installs the kinds of Istio and of Fenceline, and waits until the API server serves them. */
export async function installCustomResources(client: KubernetesClient, waiting: UntilOptions): Promise<void> {
  const definitions = [...(await istioDefinitions()), ...FENCE_API_VERSIONS.map(fenceDefinition)];
  await Promise.all(definitions.map((definition) => client.apply(definition)));
  await Promise.all(
    definitions.map((definition) => until(`${definition.metadata.name} to be served`, () => isEstablished(client, definition), waiting)),
  );
}

async function istioDefinitions(): Promise<KubernetesObject[]> {
  const text = await readFile(istioFile("crd-all.gen.yaml"), "utf8");
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

/** Until the chart brings the generated ones: any fields, and a status of its own. */
function fenceDefinition(apiVersion: string): KubernetesObject {
  const [group = "", version = ""] = apiVersion.split("/");
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `servicefences.${group}` },
    spec: {
      group,
      names: { kind: "ServiceFence", listKind: "ServiceFenceList", plural: "servicefences", singular: "servicefence" },
      scope: "Namespaced",
      versions: [{ name: version, served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}

async function isEstablished(client: KubernetesClient, definition: KubernetesObject): Promise<boolean> {
  const { status } = ((await client.get(definition)) ?? {}) as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === "Established" && condition.status === "True") ?? false;
}
