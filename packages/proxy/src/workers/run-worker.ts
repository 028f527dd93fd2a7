import { parentPort, workerData } from "node:worker_threads";
import { FencelineError } from "@fenceline/api/vocabulary";
import { AddressTable } from "../destination/address-table.ts";
import type { EdgeSink } from "../destination/reported-edge.ts";
import type { GlobalSidecar, GlobalSidecarOptions } from "../global-sidecar.ts";
import { EdgeRelay } from "./edge-relay.ts";
import type { Figures, FromWorker, ToWorker, WorkerStart } from "./messages.ts";

/** Parts from the pool with which a worker starts its global sidecar. */
export interface WorkerParts<Settings> {
  /** Options to pass to `createGlobalSidecar` unchanged. */
  readonly listen: Pick<GlobalSidecarOptions, "host" | "port" | "sharing"> & {
    readonly reporter: EdgeSink;
    readonly mesh?: AddressTable;
  };
  readonly number: number;
  /** The pool's `settings`, with their type. */
  readonly settings: Settings;
}

/**
 * The whole work of a worker module: starts a global sidecar in this thread and does what the pool
 * asks, until it was drained.
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
  // The thread ends, and what waits and was counted since the last request for figures would be
  // lost, so it is sent now. If the thread is out of memory, or is ended because it does not
  // answer, it cannot be sent.
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

/** Ends the thread by an error, as if there were no listener. */
function endWith(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/**
 * An error loses its class on the way to another thread, so the code is sent beside the message
 * that begins with it.
 */
function failure(error: unknown): FromWorker {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof FencelineError)) return { type: "failed", message };
  return { type: "failed", code: error.code, message: message.slice(`${error.code}: `.length) };
}

async function figuresOf({ metrics }: GlobalSidecar): Promise<Figures> {
  return metrics.getMetricsAsJSON();
}
