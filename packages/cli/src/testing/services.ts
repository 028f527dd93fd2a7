/** Services on loopback and their manifests, for tests. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Undo } from "./undo.ts";

/** Starts an HTTP service on a free port, and gives the port. */
export async function startService(undo: Undo, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  undo(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/**
 * Manifests of services in namespace `test1`, by name and by the port that answers for them, and of
 * a fence `a` there.
 *
 * @param spec of the fence, as YAML in one line
 */
export function meshOf(ports: Readonly<Record<string, number>>, spec = "{enable: true}"): string {
  const services = Object.entries(ports).map(
    ([name, port]) => `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: test1}, spec: {ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: test1, labels: {kubernetes.io/service-name: ${name}}}
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: ${port}}]`,
  );
  const fence = `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: ${spec}}`;
  return [...services, fence].join("\n---\n");
}
