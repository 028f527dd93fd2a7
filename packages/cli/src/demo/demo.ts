import { once } from "node:events";
import { lstat, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createEdgeReporter, type EdgeReporter } from "@fenceline/als";
import { type FenceKey, FencelineError, fenceLogName, formatAddress, type RenderedObject, SERVICE_FENCE } from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import type { Logger } from "pino";
import { Agent } from "undici";
import { DemoEnvoy, type Hop } from "./demo-envoy.ts";
import { DEMO_CALLS, DEMO_FILE, DEMO_NAMESPACE, demoManifests, isDemoFile } from "./demo-mesh.ts";
import { tellStory } from "./demo-story.ts";

/** The running parts that the demo uses. */
export interface DemoSurroundings {
  /** Address of the ports below. */
  readonly host: string;
  readonly fallbackPort: number;
  readonly accessLogPort: number;
  readonly registry: () => Registry;
  readonly rendered: (fence: FenceKey) => readonly RenderedObject[];
  readonly logger: Logger;
}

/** Demo services listen only on this machine, wherever Fenceline listens. */
const SERVICE_ADDRESS = "127.0.0.1";

/**
 * Removes the demo's manifests from a folder, if they are there.
 *
 * @returns whether they were
 */
export async function removeDemo(folder: string): Promise<boolean> {
  const path = join(folder, DEMO_FILE);
  if (!isDemoFile((await readIfThere(path)) ?? "")) return false;
  await rm(path, { force: true });
  return true;
}

/** Removes an earlier demo, and what its fences had learned: it was not deleted by mistake. */
export async function forgetDemo(folder: string): Promise<void> {
  if (!(await removeDemo(folder))) return;
  for (const name of Object.keys(DEMO_CALLS))
    await rm(join(folder, "state", DEMO_NAMESPACE, `${SERVICE_FENCE.name}-${name}.yaml`), { force: true });
}

/** Four small services that call each other, so that a first start shows what Fenceline does. */
export class Demo {
  readonly #servers = new Map<string, Server>();
  readonly #envoys = new Map<string, DemoEnvoy>();
  readonly #accessLogs: EdgeReporter[] = [];
  readonly #dispatcher = new Agent();
  readonly #stopped = new AbortController();
  #calling: Promise<void> = Promise.resolve();

  /**
   * Starts the services on free ports and writes their manifests into the folder, before the store
   * opens it.
   *
   * @throws {FencelineError} `DEMO_FILE_NOT_OURS` when the file has another author; nothing is left
   * running then
   */
  static async prepare(folder: string): Promise<Demo> {
    const demo = new Demo();
    try {
      await writeManifests(folder, await demo.#startServices());
      return demo;
    } catch (error) {
      await demo.stop();
      throw error;
    }
  }

  /** Gives each service a replacement of its Envoy, and starts the calls. */
  start({ host, accessLogPort, registry, rendered, fallbackPort, logger }: DemoSurroundings): void {
    const fallback = { host, port: fallbackPort };
    for (const name of Object.keys(DEMO_CALLS)) {
      const fence = { namespace: DEMO_NAMESPACE, name };
      const target = formatAddress(host, accessLogPort);
      const accessLog = createEdgeReporter({ target, nodeId: `sidecar~${name}`, logName: fenceLogName(fence) });
      this.#accessLogs.push(accessLog);
      this.#envoys.set(
        name,
        new DemoEnvoy({ fence, rendered: () => rendered(fence), registry, fallback, accessLog, dispatcher: this.#dispatcher }),
      );
    }
    this.#calling = tellStory({
      call: (source, destination) => this.#call(source, destination),
      shows: (source, destination) => this.#envoyOf(source).shows(destination),
      logger,
      signal: this.#stopped.signal,
    });
  }

  /** Begins no further call, and waits for the current one. */
  async stopCalling(): Promise<void> {
    this.#stopped.abort();
    await this.#calling;
  }

  /**
   * Stops the services. They outlive the global sidecar, so that requests in flight through it are
   * answered.
   */
  async stop(): Promise<void> {
    await Promise.all(this.#accessLogs.map((accessLog) => accessLog.close(500)));
    for (const server of this.#servers.values()) {
      server.close();
      server.closeIdleConnections();
    }
    await this.#dispatcher.close();
  }

  /** Returns the port of each service. */
  async #startServices(): Promise<Readonly<Record<string, number>>> {
    for (const name of Object.keys(DEMO_CALLS)) {
      const server = createServer((_request, response) => {
        void this.#answer(name).then((body) => response.writeHead(200, { "content-type": "application/json" }).end(body));
      });
      this.#servers.set(name, server);
      server.listen(0, SERVICE_ADDRESS);
      await once(server, "listening");
    }
    return Object.fromEntries([...this.#servers].map(([name, server]) => [name, (server.address() as AddressInfo).port]));
  }

  /**
   * The answer of a service: its name, and the statuses of the services that it calls; 0 where
   * there was no answer.
   */
  async #answer(name: string): Promise<string> {
    const called: Record<string, number> = {};
    for (const destination of DEMO_CALLS[name] ?? []) {
      called[destination] = await this.#call(name, destination).then(
        ({ status }) => status,
        () => 0,
      );
    }
    return `${JSON.stringify({ service: name, called })}\n`;
  }

  async #call(source: string, destination: string): Promise<{ readonly hop: Hop; readonly status: number }> {
    return await this.#envoyOf(source).call(destination);
  }

  #envoyOf(name: string): DemoEnvoy {
    const envoy = this.#envoys.get(name);
    if (envoy === undefined) throw new Error(`the demo has not started ${name}`);
    return envoy;
  }
}

/**
 * The demo has new ports at every start, so its file is written again. A file of somebody else must
 * not be overwritten.
 */
async function writeManifests(folder: string, ports: Readonly<Record<string, number>>): Promise<void> {
  const path = join(folder, DEMO_FILE);
  const before = await readIfThere(path);
  if (before !== undefined && !isDemoFile(before)) {
    throw new FencelineError("DEMO_FILE_NOT_OURS", {
      at: { file: path },
      message: "the demo would overwrite this file, which it did not write",
      hint: "rename it, or start with --no-demo",
    });
  }
  try {
    await writeFile(path, demoManifests(ports));
  } catch (cause) {
    const message = `the demo cannot write its manifests: ${(cause as Error).message}`;
    throw new FencelineError("DIRECTORY_UNUSABLE", { at: { file: path }, message, hint: "start with --no-demo", cause });
  }
}

/**
 * Undefined when there is nothing of that name. Anything but a readable file, such as a link, was
 * not written by the demo: it reads as empty.
 */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isFile() ? await readFile(path, "utf8") : "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : "";
  }
}
