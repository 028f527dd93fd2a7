import { Agent as PlainAgent } from "node:http";
import { Agent, type RequestOptions } from "node:https";
import { fileFailureText } from "@fenceline/api/vocabulary";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../clock.ts";
import { refuseEndless } from "./readable-file.ts";

/**
 * Shortest time between two reloads after a 401, in milliseconds: a wrong token must not start an
 * `exec` process for each request.
 */
const RELOAD_INTERVAL = 10_000;

/** Where to send a request, and with which credentials. */
export interface Access {
  readonly server: string;
  readonly options: RequestOptions;
}

/**
 * Our credentials for the API server: everything that client-node's KubeConfig supports (token
 * files, client certificates, exec plugins, proxies).
 *
 * KubeConfig reads certificate files for every request, and a service account's token once a
 * minute. It keeps the rest. So a token that was rotated early, or a changed kubeconfig, is noticed
 * by the 401 that it causes.
 */
export class Credentials {
  readonly #load: () => KubeConfig;
  readonly #clock: Clock;
  readonly #secure = new Agent({ keepAlive: true });
  readonly #plain = new PlainAgent({ keepAlive: true });
  /**
   * Read by the first request. If a file does not exist yet, for example a token's volume, the
   * request fails and is tried again.
   */
  #config: KubeConfig | undefined;
  #reloadedAt = Number.NEGATIVE_INFINITY;

  /** @param load reads the configuration; called for the first request, and after a 401 */
  constructor(load: () => KubeConfig, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /**
   * @throws {Error} when the configuration, or a file that it names, cannot be read, or its exec
   * plugin fails
   */
  async access(): Promise<Access> {
    this.#config ??= this.#load();
    const cluster = this.#config.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig names no current cluster");
    const options: RequestOptions = {};
    try {
      for (const file of filesOf(this.#config)) refuseEndless(file);
      await this.#config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw unusable(cause);
    }
    // client-node's own agent opens a connection per request. It is kept only where a proxy is
    // used.
    if (cluster.proxyUrl === undefined) options.agent = cluster.server.startsWith("http:") ? this.#plain : this.#secure;
    return { server: cluster.server, options };
  }

  /**
   * Reads everything again. Returns false when this was done a moment ago, so that another try is
   * useless.
   */
  reload(): boolean {
    const now = this.#clock.now();
    if (now - this.#reloadedAt < RELOAD_INTERVAL) return false;
    this.#reloadedAt = now;
    this.#config = this.#load();
    return true;
  }

  close(): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }
}

/** The certificates, the key and the token that the current context reads, by their paths. */
function filesOf(config: KubeConfig): readonly string[] {
  const user = config.getCurrentUser();
  const named: unknown[] = [config.getCurrentCluster()?.caFile, user?.certFile, user?.keyFile, user?.authProvider?.config?.tokenFile];
  return named.filter((file) => typeof file === "string" && file !== "") as string[];
}

/**
 * The error names a certificate, key or token of the configuration that cannot be read. An error of
 * an exec plugin is kept.
 */
function unusable(cause: unknown): Error {
  const { path, syscall = "", message = String(cause) } = (cause ?? {}) as NodeJS.ErrnoException;
  if (!["open", "read", "stat"].includes(syscall)) return new Error(message, { cause });
  return new Error(`cannot read ${path ?? "a file"} that the kubeconfig names: ${fileFailureText(cause, process.getuid?.())}`, { cause });
}
