import { join } from "node:path";
import type { ServerContext } from "../context.ts";
import { LabProcess } from "../process.ts";
import { until } from "../until.ts";

const PORT = 2_379;
const PEER_PORT = 2_380;

/** The API server's database. Returns when it answers. */
export async function startEtcd(context: ServerContext): Promise<{ readonly process: LabProcess; readonly url: string }> {
  const { bridge, run, signal } = context;
  const url = `http://${bridge.address}:${PORT}`;
  const peer = `http://${bridge.address}:${PEER_PORT}`;
  const process = await LabProcess.start(
    {
      name: "etcd",
      command: "etcd",
      args: [
        `--data-dir=${join(run.stage, "etcd")}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        // A lab's data need not survive a crash of the machine, and a slow disk would slow down
        // every write.
        "--unsafe-no-fsync",
      ],
    },
    context,
  );
  const isHealthy = async () => (await fetch(`${url}/health`)).ok;
  await until("etcd", isHealthy, { signal, stillPossible: () => process.requireRunning() });
  return { process, url };
}
