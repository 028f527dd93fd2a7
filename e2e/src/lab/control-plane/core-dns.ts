import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { labProgram } from "../../places.ts";
import type { LabContext } from "../context.ts";
import { CONTEXT } from "../kubernetes/kubeconfig.ts";
import { LabProcess } from "../process.ts";
import { until } from "../until.ts";
import type { ApiServer } from "./api-server.ts";

const READY_PORT = 8_181;

/**
 * Cluster DNS at port 53 of the bridge. It forwards nothing: a lab makes no calls outside. Returns
 * when it knows the Services.
 */
export async function startCoreDns(context: LabContext, apiServer: ApiServer): Promise<LabProcess> {
  const { bridge, run, signal } = context;
  const file = join(run.path, "Corefile");
  writeFileSync(
    file,
    `.:53 {
  bind ${bridge.address}
  ready ${bridge.address}:${READY_PORT}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${apiServer.kubeconfig} ${CONTEXT}
  }
}
`,
  );
  const process = await LabProcess.start({ name: "coredns", command: labProgram("coredns"), args: ["-conf", file] }, context);
  const isReady = async () => (await fetch(`http://${bridge.address}:${READY_PORT}/ready`)).ok;
  await until("CoreDNS", isReady, { signal, stillPossible: () => process.requireRunning() });
  return process;
}
