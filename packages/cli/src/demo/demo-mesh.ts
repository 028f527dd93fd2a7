import { shortHash } from "@fenceline/api";
import { stringify } from "yaml";

/** Namespace of the demo. */
export const DEMO_NAMESPACE = "bookinfo";

/** What each demo service calls when it is called. */
export const DEMO_CALLS: Readonly<Record<string, readonly string[]>> = {
  productpage: ["details", "reviews"],
  details: [],
  reviews: ["ratings"],
  ratings: [],
};

/** Short, so that a new user sees a host age out. A fence of a real mesh has hours or days. */
export const DEMO_IDLE_WINDOW = "20s";

/** File that the demo writes into the folder, and that is removed when the demo is switched off. */
export const DEMO_FILE = "demo.yaml";
const HEADING = "# The demo mesh. Written anew by every start; `--no-demo` removes it.";

/**
 * Whether we may overwrite and remove a file. We do not if somebody has edited it. A file of a
 * version before this one has no checksum.
 */
export function isDemoFile(text: string): boolean {
  if (!text.startsWith(HEADING)) return false;
  const end = text.indexOf("\n") + 1;
  const [, checksum] = / Checksum: ([0-9a-f]{16})$/.exec(text.slice(0, end).trimEnd()) ?? [];
  return checksum === undefined || checksum === shortHash(text.slice(end));
}

/**
 * The manifests of the demo: four services on loopback, all fenced. `ports` maps a service to its
 * port.
 */
export function demoManifests(ports: Readonly<Record<string, number>>): string {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: DEMO_NAMESPACE } };
  const objects = Object.entries(ports).flatMap(([name, port], index) => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: DEMO_NAMESPACE },
      spec: { clusterIP: `10.96.0.${index + 10}`, selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, namespace: DEMO_NAMESPACE, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
      ports: [{ name: "http", port, protocol: "TCP" }],
    },
    {
      apiVersion: "microservice.slime.io/v1alpha1",
      kind: "ServiceFence",
      metadata: { name, namespace: DEMO_NAMESPACE },
      spec: { enable: true, workloadSelector: { fromService: true }, idleWindow: DEMO_IDLE_WINDOW },
    },
  ]);
  const body = [namespace, ...objects].map((object) => stringify(object)).join("\n---\n");
  return `${HEADING} Checksum: ${shortHash(body)}\n${body}`;
}
