import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabContext } from "../context.ts";
import { ISTIOD_ADDRESS, rootCertificate, TRUST_DOMAIN } from "../control-plane/istiod.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { NetworkNamespace } from "../network/namespace.ts";
import { PROXY_UID } from "../network/redirect.ts";
import { LabProcess } from "../process.ts";
import { until } from "../until.ts";
import { type PodSpec, podLabels } from "./pod-object.ts";
import type { ProxyPrograms } from "./proxy-programs.ts";

/** Settings of an agent. */
export interface AgentOptions {
  readonly context: LabContext;
  readonly client: KubernetesClient;
  readonly programs: ProxyPrograms;
  readonly network: NetworkNamespace;
  readonly spec: PodSpec;
}

/**
 * Port of the agent, for itself and for the application's probes, which mTLS would block otherwise.
 */
export const AGENT_PORT = 15_020;
const TOKEN_AUDIENCE = "istio-ca";

/**
 * Starts Istio's agent, which starts Envoy. Returns when Envoy has its configuration and its
 * listeners.
 */
export async function startAgent(options: AgentOptions): Promise<LabProcess> {
  const { context, network, programs, spec } = options;
  const folder = await writeWorkingFolder(options);
  const [command, args] = network.enter("setpriv", [
    `--reuid=${PROXY_UID}`,
    `--regid=${PROXY_UID}`,
    "--clear-groups",
    programs.agent,
    "proxy",
    "sidecar",
    `--domain=${spec.namespace}.svc.cluster.local`,
    `--templateFile=${programs.bootstrapTemplate}`,
    "--proxyLogLevel=warning",
    "--log_output_level=default:warn",
  ]);
  const process = await LabProcess.start(
    { name: `${spec.name}.${spec.namespace}.proxy`, command, args, cwd: folder, env: agentEnvironment(options) },
    context,
  );
  const isReady = async () => (await fetch(`http://${network.address}:${AGENT_PORT}/healthz/ready`)).ok;
  await until(`the proxy of ${spec.namespace}/${spec.name}`, isReady, {
    signal: context.signal,
    stillPossible: () => process.requireRunning(),
  });
  return process;
}

function agentEnvironment({ network, programs, spec }: AgentOptions): Record<string, string> {
  const { config = {}, probers } = spec.proxy || {};
  const own = { discoveryAddress: ISTIOD_ADDRESS, binaryPath: programs.envoy, configPath: "./etc/istio/proxy", concurrency: 1 };
  return {
    POD_NAME: spec.name,
    POD_NAMESPACE: spec.namespace,
    INSTANCE_IP: network.address,
    SERVICE_ACCOUNT: spec.serviceAccount ?? spec.name,
    TRUST_DOMAIN,
    PILOT_CERT_PROVIDER: "istiod",
    CA_ADDR: ISTIOD_ADDRESS,
    CA_ROOT_CA: "./root-cert.pem",
    XDS_ROOT_CA: "./root-cert.pem",
    ISTIO_META_CLUSTER_ID: "Kubernetes",
    // Otherwise it asks the metadata address of every cloud.
    CLOUD_PLATFORM: "none",
    // Labels come from the file, as in a real pod; ISTIO_META_LABELS would replace them.
    PROXY_CONFIG: JSON.stringify({ ...config, ...own }),
    ...(probers && { ISTIO_KUBE_APP_PROBERS: JSON.stringify(probers) }),
  };
}

/** What a kubelet mounts into the proxy's container, in a folder that the proxy owns. */
async function writeWorkingFolder({ context, client, spec }: AgentOptions): Promise<string> {
  const { namespace, name, serviceAccount = name } = spec;
  const folder = join(context.run.stage, `${name}.${namespace}`);
  for (const part of ["var/run/secrets/tokens", "etc/istio/pod", "etc/istio/proxy"]) mkdirSync(join(folder, part), { recursive: true });
  const [token, root] = await Promise.all([
    client.serviceAccountToken(namespace, serviceAccount, { audience: TOKEN_AUDIENCE }),
    until(`the root certificate in namespace ${namespace}`, () => rootCertificate(client, namespace), { signal: context.signal }),
  ]);
  writeFileSync(join(folder, "var/run/secrets/tokens/istio-token"), token);
  writeFileSync(join(folder, "root-cert.pem"), root);
  const labels = Object.entries(podLabels(spec)).map(([label, value]) => `${label}=${JSON.stringify(value)}\n`);
  writeFileSync(join(folder, "etc/istio/pod/labels"), labels.join(""));
  giveToProxy(folder);
  return folder;
}

function giveToProxy(path: string): void {
  chownSync(path, PROXY_UID, PROXY_UID);
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path)) giveToProxy(join(path, entry));
}
