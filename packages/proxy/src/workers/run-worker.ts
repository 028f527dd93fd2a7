import { parentPort, workerData } from "node:worker_threads";
import { FencelineError } from "@fenceline/api/vocabulary";
import { AddressTable } from "../destination/address-table.ts";
import type { EdgeSink } from "../destination/reported-edge.ts";
import type { GlobalSidecar, GlobalSidecarOptions } from "../global-sidecar.ts";
import { EdgeRelay } from "./edge-relay.ts";
import type { Figures, FromWorker, ToWorker, WorkerStart } from "./messages.ts";

/** What the pool gives a worker to start its global sidecar with. */
export interface WorkerParts<Settings> {
  /** To be handed to `createGlobalSidecar` as they stand. */
  readonly listen: Pick<GlobalSidecarOptions, "host" | "port" | "sharing"> & {
    readonly reporter: EdgeSink;
    readonly mesh?: AddressTable;
  };
  readonly number: number;
  /** What the pool was given as `settings`, of the type that it was given. */
  readonly settings: Settings;
}

/**
 * The whole of a worker module: starts a global sidecar in this thread and does what the pool asks,
 * until it was drained.
 *
 * @param start builds the parts that cannot be sent to a thread, such as the resolver
 */
export async function runWorker<Settings>(start: (parts: WorkerParts<Settings>) => Promise<GlobalSidecar>): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a worker module runs in a worker thread");
  const send = (message: FromWorker) => port.postMessage(message);
  const relay = new EdgeRelay((edges, dropped) => send({ type: "edges", edges, dropped }));
  const { host, port: listeningPort, sharing, number, settings, knowsMesh }: WorkerStart & { settings: Settings } = workerData;
  const mesh = knowsMesh ? new AddressTable() : undefined;
  let sidecar: GlobalSidecar;
  try {
    sidecar = await start({
      listen: { host, port: listeningPort, sharing, reporter: relay, ...(mesh !== undefined && { mesh }) },
      number,
      settings,
    });
  } catch (error) {
    send(failure(error));
    return;
  }
  const figures = async () => send({ type: "figures", figures: await figuresOf(sidecar), calls: sidecar.longLivedCalls() });
  // The thread ends, and with it what waits and what it counted since it was last asked. Where it
  // is out of memory, or ended because it does not answer, nothing runs that could tell.
  process.once("uncaughtException", (error) => {
    relay.flushAll();
    const end = () => endWith(error);
    figures().then(end, end);
  });
  const drain = async (deadline: number) => {
    await sidecar.close({ deadline });
    relay.flushAll();
    await figures();
    process.exit();
  };
  port.on("message", (message: ToWorker) => {
    if (message.type === "figures") void figures();
    else if (message.type === "edges taken") relay.taken();
    else if (message.type === "addresses") mesh?.apply(message.update);
    else void drain(message.deadline);
  });
  send({ type: "listening", port: sidecar.address.port });
}

/** Ends the thread by an error, as if nobody had listened for it. */
function endWith(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/**
 * An error loses its class on the way to another thread, so the code goes beside the text that
 * begins with it.
 */
function failure(error: unknown): FromWorker {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof FencelineError)) return { type: "failed", message };
  return { type: "failed", code: error.code, message: message.slice(`${error.code}: `.length) };
}

async function figuresOf({ metrics }: GlobalSidecar): Promise<Figures> {
  return metrics.getMetricsAsJSON();
}
