/** A whole collector over a folder of its own, for tests: real files, real sockets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { OWN_KINDS, type OwnKind } from "@fenceline/api";
import { localTokenGuard, probeRoutes, serveHttpApi } from "@fenceline/http-api";
import { DirectoryStore } from "@fenceline/store";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { pino } from "pino";
import { Collector } from "../collector.ts";
import type { CollectorOptions } from "../collector-options.ts";
import { fenceRoutes } from "../routes/fence-routes.ts";
import { resetRoute } from "../routes/reset-route.ts";
import { CONFIG } from "./mesh.ts";

/** Token for calls of the API that write. */
export const API_TOKEN = "a-token-for-tests";

const STREAM_ACCESS_LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

export interface RunningCollector {
  readonly collector: Collector;
  readonly folder: string;
  /** Writes a manifest file. */
  write(name: string, text: string): void;
  /** Content of a file in the folder; empty when it is not there. */
  read(path: string): string;
  /**
   * Sends the messages of one stream, as an Envoy would, and resolves when the collector has read
   * them all.
   */
  send(messages: readonly Buffer[], method?: string, metadata?: Readonly<Record<string, string>>): Promise<void>;
  request(path: string, options?: RequestInit): Promise<{ readonly status: number; readonly body: string }>;
  /**
   * Stops the collector and starts another one over the same folder, in which `meanwhile` may
   * change things.
   *
   * @param changed manifests in place of those it was started with
   */
  restart(meanwhile?: () => void, changed?: string): Promise<RunningCollector>;
}

export async function startCollector(
  t: TestContext,
  manifests: string,
  folder = mkdtempSync(join(tmpdir(), "fenceline-collector-")),
  options: Partial<CollectorOptions> = {},
  kinds: readonly OwnKind[] = OWN_KINDS,
): Promise<RunningCollector> {
  writeFileSync(join(folder, "mesh.yaml"), manifests);
  const store = await DirectoryStore.open({ folder, kinds, onRefused: () => {} });
  const address = { host: "127.0.0.1", port: 0 };
  const logger = pino({ level: "silent" });
  const collector = await Collector.start({ store, config: CONFIG, logger, accessLogs: address, ...options });
  const routes = [
    ...fenceRoutes(() => collector.reader),
    resetRoute(() => collector.api.resets),
    ...probeRoutes({ metrics: () => [collector.metrics] }),
  ];
  const api = await serveHttpApi({
    ...address,
    routes,
    guard: localTokenGuard({ matches: (text) => text === API_TOKEN, hint: "it is API_TOKEN" }),
  });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await api.close();
    await collector.close();
    await store.close();
  };
  t.after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    collector,
    folder,
    write: (name, text) => writeFileSync(join(folder, name), text),
    read: (path) => readIfThere(join(folder, path)),
    send: (messages, method = STREAM_ACCESS_LOGS, metadata = {}) => send(collector.accessLogPort, messages, method, metadata),
    request: async (path, options = {}) => {
      const response = await fetch(`http://127.0.0.1:${api.port}${path}`, options);
      return { status: response.status, body: await response.text() };
    },
    restart: async (meanwhile = () => {}, changed = manifests) => {
      await close();
      meanwhile();
      return startCollector(t, changed, folder, options, kinds);
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The server answers a client stream once it has read it to its end. */
export async function send(
  port: number,
  messages: readonly Buffer[],
  method: string = STREAM_ACCESS_LOGS,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const asBytes = (bytes: Buffer) => bytes;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  try {
    await new Promise<void>((resolve, reject) => {
      const call = client.makeClientStreamRequest(method, asBytes, asBytes, metadata, (error) =>
        error === null ? resolve() : reject(error),
      );
      for (const message of messages) call.write(message);
      call.end();
    });
  } finally {
    client.close();
  }
}
