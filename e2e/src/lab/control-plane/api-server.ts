import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labProgram } from "../../places.ts";
import type { ServerContext } from "../context.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { writeKubeconfig } from "../kubernetes/kubeconfig.ts";
import { LabProcess } from "../process.ts";
import { until } from "../until.ts";

const PORT = 6_443;
const ISSUER = "https://kubernetes.default.svc.cluster.local";

/** A running API server. */
export interface ApiServer {
  readonly process: LabProcess;
  /** A client as a member of `system:masters`, which RBAC does not restrict. */
  readonly client: KubernetesClient;
  readonly connection: Connection;
  /** Kubeconfig file of the same. */
  readonly kubeconfig: string;
  /** PEM files that the controller manager shares with it. */
  readonly serviceAccountKey: string;
  readonly certificates: string;
}

/** Starts the API server. Returns when it is ready. */
export async function startApiServer(context: ServerContext, etcd: string): Promise<ApiServer> {
  const { bridge, run, signal } = context;
  const folder = join(run.path, "api-server");
  const files = {
    certificates: join(folder, "apiserver.crt"),
    serviceAccountKey: join(run.path, "service-account.key"),
    tokens: join(run.path, "tokens.csv"),
    kubeconfig: join(run.path, "kubeconfig"),
  };
  const token = randomBytes(24).toString("hex");
  writeFileSync(files.tokens, `${token},lab,lab,"system:masters"\n`, { mode: 0o600 });
  writeFileSync(files.serviceAccountKey, newPrivateKey(), { mode: 0o600 });
  const process = await LabProcess.start(
    {
      name: "kube-apiserver",
      command: labProgram("kube-apiserver"),
      args: [
        `--etcd-servers=${etcd}`,
        `--bind-address=${bridge.address}`,
        `--advertise-address=${bridge.address}`,
        // It refuses a loopback address in the Service `kubernetes`.
        ...(bridge.address.startsWith("127.") ? ["--endpoint-reconciler-type=none"] : []),
        `--secure-port=${PORT}`,
        // It creates a certificate for its address there.
        `--cert-dir=${folder}`,
        `--service-cluster-ip-range=${bridge.serviceRange}`,
        "--authorization-mode=RBAC",
        `--token-auth-file=${files.tokens}`,
        `--service-account-issuer=${ISSUER}`,
        `--service-account-key-file=${files.serviceAccountKey}`,
        `--service-account-signing-key-file=${files.serviceAccountKey}`,
      ],
    },
    context,
  );
  const stillPossible = () => process.requireRunning();
  const certificates = await until("the API server's certificate", () => completePem(files.certificates), { signal, stillPossible });
  const connection = { host: bridge.address, port: PORT, token, certificates };
  const client = new KubernetesClient(connection);
  context.closers.add(() => client.close());
  const isReady = () => client.request("GET", "/readyz").then(() => true);
  await until("the API server", isReady, { signal, stillPossible, timeout: 60_000 });
  writeKubeconfig(files.kubeconfig, connection);
  return { process, client, connection, ...files };
}

function newPrivateKey(): string {
  return generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}

/**
 * The file holds the server's certificate and the one that signed it; undefined while it is being
 * written.
 */
function completePem(file: string): string | undefined {
  const pem = readFileSync(file, "utf8");
  return pem.split("-----END CERTIFICATE-----\n").length > 2 ? pem : undefined;
}
