import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { istioFile } from "../../setup/istio.ts";
import type { LabContext } from "../context.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { namespaceObject, peerAuthentication } from "../kubernetes/manifests.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { LabProcess } from "../process.ts";
import { until } from "../until.ts";
import type { ApiServer } from "./api-server.ts";

/** Istio's own namespace. */
const ISTIO_NAMESPACE = "istio-system";
/** Name of istiod in cluster DNS, for proxies. */
export const ISTIOD_ADDRESS = `istiod.${ISTIO_NAMESPACE}.svc:15012`;
export const TRUST_DOMAIN = "cluster.local";

const PORTS = { http: 8_080, grpc: 15_010, secureGrpc: 15_012, monitoring: 15_014 };

/**
 * Starts istiod on the bridge, with STRICT mTLS for the whole mesh. Returns when it is ready and
 * namespaces get its root certificate.
 */
export async function startIstiod(context: LabContext, apiServer: ApiServer): Promise<LabProcess> {
  const { bridge, run, releases, signal } = context;
  const { client } = apiServer;
  await prepare(client, bridge.address);
  // It reads certificates and tokens relative to its folder.
  const cwd = join(run.path, "istiod");
  mkdirSync(cwd);
  const at = (port: number) => `${bridge.address}:${port}`;
  const process = await LabProcess.start(
    {
      name: "istiod",
      command: istioFile(releases.istio, "istiod"),
      cwd,
      args: [
        "discovery",
        `--kubeconfig=${apiServer.kubeconfig}`,
        `--httpAddr=${at(PORTS.http)}`,
        `--grpcAddr=${at(PORTS.grpc)}`,
        `--secureGRPCAddr=${at(PORTS.secureGrpc)}`,
        `--monitoringAddr=${at(PORTS.monitoring)}`,
        // No webhooks: there is no kubelet to start an injected container.
        "--httpsAddr=",
        "--ctrlz_port=0",
        "--domain=cluster.local",
      ],
      env: {
        POD_NAME: "istiod",
        POD_NAMESPACE: ISTIO_NAMESPACE,
        // As the install guide says.
        DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES: "fenceline",
        // The Envoy is a stock one, without the filters of Istio's build.
        PILOT_ENABLE_METADATA_EXCHANGE: "false",
        PILOT_ENABLE_ALPN_FILTER: "false",
      },
    },
    context,
  );
  const stillPossible = () => process.requireRunning();
  const isReady = async () => (await fetch(`http://${at(PORTS.http)}/ready`)).ok;
  await until("istiod", isReady, { signal, stillPossible, timeout: 60_000 });
  await until("istiod's root certificate", () => rootCertificate(client, ISTIO_NAMESPACE), { signal, stillPossible, timeout: 60_000 });
  return process;
}

/**
 * PEM of the mesh's root certificate as istiod puts it into every namespace; undefined while it has
 * not.
 */
export async function rootCertificate(client: KubernetesClient, namespace: string): Promise<string | undefined> {
  const found = await client.get({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio-ca-root-cert", namespace } });
  return (found as { data?: Record<string, string> } | undefined)?.data?.["root-cert.pem"];
}

async function prepare(client: KubernetesClient, address: string): Promise<void> {
  await client.apply(namespaceObject(ISTIO_NAMESPACE));
  const objects = [meshConfig(), ...istiodService(address), peerAuthentication(ISTIO_NAMESPACE, "STRICT")];
  await Promise.all(objects.map((object) => client.apply(object)));
}

/**
 * Istio's MeshConfig, which istiod and Fenceline watch.
 * @param outbound how hosts are treated that Istio does not know
 * @param more other fields of it
 */
export function meshConfig(outbound: "ALLOW_ANY" | "REGISTRY_ONLY" = "ALLOW_ANY", more: object = {}): KubernetesObject {
  const mesh = {
    ...more,
    trustDomain: TRUST_DOMAIN,
    rootNamespace: ISTIO_NAMESPACE,
    enableAutoMtls: true,
    outboundTrafficPolicy: { mode: outbound },
    defaultConfig: { discoveryAddress: ISTIOD_ADDRESS },
  };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio", namespace: ISTIO_NAMESPACE },
    data: { mesh: JSON.stringify(mesh), meshNetworks: "networks: {}" },
  };
}

/** Headless, because a ClusterIP works only through an Envoy, and istiod configures the Envoys. */
function istiodService(address: string): KubernetesObject[] {
  const ports = [
    { name: "grpc-xds", port: PORTS.grpc, protocol: "TCP" },
    { name: "https-dns", port: PORTS.secureGrpc, protocol: "TCP" },
  ];
  const metadata = { name: "istiod", namespace: ISTIO_NAMESPACE };
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "None", ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": "istiod" } },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports,
    },
  ];
}
