import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createEdgeReporter, type EdgeReporter } from "@fenceline/als";
import type { FenceKey } from "@fenceline/api";
import { fenceLogName, formatFenceKey, type RenderedObject } from "@fenceline/api";
import type { Registry } from "@fenceline/registry";
import type { Logger } from "pino";
import { Agent } from "undici";
import { DemoEnvoy } from "./demo-envoy.ts";
import { DEMO_CALLS, DEMO_FILE, DEMO_NAMESPACE, demoManifests, isDemoFile } from "./demo-mesh.ts";

/** Where the running parts are. */
export interface DemoSurroundings {
  readonly fallbackPort: number;
  readonly accessLogPort: number;
  readonly registry: () => Registry;
  readonly rendered: (fence: FenceKey) => readonly RenderedObject[];
  readonly logger: Logger;
}

/** How often the demo calls itself, and the pause in between in milliseconds. */
const ROUNDS = 3;
const PAUSE_MS = 500;

/** Removes the demo's manifests from a folder, if they are there. */
export async function removeDemo(folder: string): Promise<void> {
  const path = join(folder, DEMO_FILE);
  const text = await readFile(path, "utf8").catch(() => "");
  if (isDemoFile(text)) await rm(path, { force: true });
}

/** Four small services that call one another, so that a first start shows what Fenceline does. */
export class Demo {
  readonly #servers = new Map<string, Server>();
  readonly #envoys = new Map<string, DemoEnvoy>();
  readonly #accessLogs: EdgeReporter[] = [];
  readonly #dispatcher = new Agent();
  readonly #stopped = new AbortController();
  #calling: Promise<void> = Promise.resolve();

  /** Starts the services on free ports and writes their manifests into the folder, before the folder is opened. */
  static async prepare(folder: string): Promise<Demo> {
    const demo = new Demo();
    for (const name of Object.keys(DEMO_CALLS)) {
      const server = createServer((_request, response) => {
        void demo.#answer(name).then((body) => response.writeHead(200, { "content-type": "application/json" }).end(body));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      demo.#servers.set(name, server);
    }
    const ports = Object.fromEntries([...demo.#servers].map(([name, server]) => [name, (server.address() as AddressInfo).port]));
    await writeFile(join(folder, DEMO_FILE), demoManifests(ports));
    return demo;
  }

  /** Gives each service its stand-in for an Envoy, and lets productpage be called a few times. */
  start(surroundings: DemoSurroundings): void {
    const { accessLogPort, registry, rendered, fallbackPort, logger } = surroundings;
    for (const name of Object.keys(DEMO_CALLS)) {
      const fence = { namespace: DEMO_NAMESPACE, name };
      const accessLog = createEdgeReporter({ target: `127.0.0.1:${accessLogPort}`, nodeId: `demo~${name}`, logName: fenceLogName(fence) });
      this.#accessLogs.push(accessLog);
      this.#envoys.set(
        name,
        new DemoEnvoy({ fence, rendered: () => rendered(fence), registry, fallbackPort, accessLog, dispatcher: this.#dispatcher }),
      );
    }
    this.#calling = this.#callAFewTimes(logger);
  }

  /** Begins no further round, and waits for the one that runs. */
  async stopCalling(): Promise<void> {
    this.#stopped.abort();
    await this.#calling;
  }

  /** Stops the services. They outlive the global sidecar, so that requests in flight through it are answered. */
  async stop(): Promise<void> {
    await Promise.all(this.#accessLogs.map((accessLog) => accessLog.close(500)));
    for (const server of this.#servers.values()) {
      server.close();
      server.closeIdleConnections();
    }
    await this.#dispatcher.close();
  }

  async #callAFewTimes(logger: Logger): Promise<void> {
    for (let round = 1; round <= ROUNDS && !this.#stopped.signal.aborted; round += 1) {
      if (round > 1) await this.#pause();
      await this.#callAll("productpage", (source, destination, hop, status) =>
        logger.info(
          { round, from: formatFenceKey({ namespace: DEMO_NAMESPACE, name: source }), to: destination, hop, status },
          "demo call",
        ),
      );
    }
  }

  async #callAll(source: string, tell: (source: string, destination: string, hop: string, status: number) => void): Promise<void> {
    for (const destination of DEMO_CALLS[source] ?? []) {
      const { hop, status } = await this.#call(source, destination);
      tell(source, destination, hop, status);
    }
  }

  /** What a service answers: its name, and what it got from the services that it calls itself. */
  async #answer(name: string): Promise<string> {
    const called: Record<string, number> = {};
    for (const destination of DEMO_CALLS[name] ?? []) {
      called[destination] = (await this.#call(name, destination)).status;
    }
    return `${JSON.stringify({ service: name, called })}\n`;
  }

  /** Status 0 stands for a call without an answer. */
  async #call(source: string, destination: string): Promise<{ readonly hop: string; readonly status: number }> {
    const unanswered = { hop: "none", status: 0 };
    return (
      (await this.#envoys
        .get(source)
        ?.call(destination)
        .catch(() => unanswered)) ?? unanswered
    );
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      this.#stopped.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
