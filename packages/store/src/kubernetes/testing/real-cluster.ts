/** A real kube-apiserver, for tests that are given one. */
import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { collectionPath, KubernetesApi, kubeConfigLoader, objectPath, type Resource } from "@fenceline/kubernetes";
import { NAMESPACES } from "./resources.ts";

/** CustomResourceDefinitions. */
export const DEFINITIONS: Resource = {
  ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", plural: "customresourcedefinitions", namespaced: false },
};

/** A namespace of its own; what was made with `make` goes after the test. */
export async function realCluster(t: TestContext, kubeconfig: string | undefined) {
  const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
  const made: string[] = [];
  t.after(async () => {
    for (const path of made.reverse()) await api.json({ method: "DELETE", path });
    api.close();
  });
  const namespace = `fenceline-test-${randomUUID().slice(0, 8)}`;
  const make = async (resource: Resource, body: { readonly metadata: { readonly name: string } }) => {
    await api.json({ method: "POST", path: collectionPath(resource), body });
    made.push(objectPath(resource, body.metadata));
  };
  const isServed = (resource: Resource) =>
    api.json({ method: "GET", path: collectionPath(resource) }).then(
      () => true,
      () => false,
    );
  await make(NAMESPACES, { metadata: { name: namespace } });
  return { api, namespace, make, isServed };
}
