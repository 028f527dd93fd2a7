import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { fileFailureText } from "@fenceline/api";
import type { buildConnector } from "undici";
import { PrometheusError } from "./prometheus-error.ts";

/** A server with the API of Prometheus, and our credentials for it. */
export interface PrometheusServer {
  /** `http` or `https`, with the path before `/api/v1`, if there is one. */
  readonly url: string;
  readonly bearerToken?: string | undefined;
  readonly bearerTokenFile?: string | undefined;
  readonly basicAuth?:
    | { readonly username: string; readonly password?: string | undefined; readonly passwordFile?: string | undefined }
    | undefined;
  readonly tls?:
    | {
        /** Certificates of trusted authorities, instead of the system's. */
        readonly caFile?: string | undefined;
        /** Our own certificate and its key, for a server that requires one. */
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
        /** Name in the server's certificate. Default: the host of the URL. */
        readonly serverName?: string | undefined;
      }
    | undefined;
  /** Further headers, such as the tenant of a store that has several. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The credentials of a request to a server, by the current content of the files. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: buildConnector.BuildOptions;
  /** Changes when open connections were made with other files. */
  readonly tlsVersion: string;
}

/** Largest token, certificate or key that is read, in bytes. */
const LARGEST = 256 * 1024;
/** Files are checked again after this time, in milliseconds: tokens and certificates rotate. */
const FRESH = 1_000;

/** The credentials of one server, from its fields and files. */
export class Credentials {
  readonly #of: PrometheusServer;
  readonly #name: string;
  readonly #clock: () => number;
  #latest: { readonly access: Promise<Access>; readonly at: number } | undefined;

  /**
   * @param name of the server, for messages
   * @param clock milliseconds, monotonic
   */
  constructor(of: PrometheusServer, name: string, clock: () => number = () => performance.now()) {
    this.#of = of;
    this.#name = name;
    this.#clock = clock;
  }

  /** @throws {PrometheusError} `PROMETHEUS_CREDENTIALS` when a file cannot be read */
  access(): Promise<Access> {
    const now = this.#clock();
    if (this.#latest !== undefined && now - this.#latest.at < FRESH) return this.#latest.access;
    const access = this.#read();
    this.#latest = { access, at: now };
    return access;
  }

  async #read(): Promise<Access> {
    const { tls = {}, headers } = this.#of;
    const [ca, cert, key] = await Promise.all([this.#text(tls.caFile), this.#text(tls.certFile), this.#text(tls.keyFile)]);
    const hash = createHash("sha256")
      .update(JSON.stringify([ca, cert, key]))
      .digest("hex");
    const authorization = await this.#authorization();
    return {
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      tls: {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(tls.serverName !== undefined && { servername: tls.serverName }),
      },
      tlsVersion: hash,
    };
  }

  async #authorization(): Promise<string | undefined> {
    const { bearerToken, bearerTokenFile, basicAuth } = this.#of;
    const token = bearerToken ?? (await this.#secret(bearerTokenFile));
    if (token !== undefined) return `Bearer ${token}`;
    if (basicAuth === undefined) return undefined;
    const password = basicAuth.password ?? (await this.#secret(basicAuth.passwordFile)) ?? "";
    return `Basic ${Buffer.from(`${basicAuth.username}:${password}`).toString("base64")}`;
  }

  /** Editors and `echo` add a line feed at the end of a file. */
  async #secret(file: string | undefined): Promise<string | undefined> {
    const text = (await this.#text(file))?.trim();
    // A text that is not allowed in a header field would look like a failure of the server.
    if (text !== undefined && !/^[\x20-\x7e]+$/.test(text))
      throw this.#failure(file, "holds no token: printable ASCII on one line", undefined);
    return text;
  }

  async #text(file: string | undefined): Promise<string | undefined> {
    if (file === undefined) return undefined;
    try {
      const stats = await stat(file);
      // A read of a pipe would block, and a device has no end.
      if (!stats.isFile() && !stats.isDirectory()) throw new Error("is no file but a pipe, a socket or a device: save it as a file");
      if (stats.size > LARGEST) throw new Error(`is larger than ${LARGEST / 1024} KiB`);
      return await readFile(file, "utf8");
    } catch (cause) {
      throw this.#failure(file, fileFailureText(cause, process.getuid?.()), cause);
    }
  }

  #failure(file: string | undefined, why: string, cause: unknown): PrometheusError {
    return new PrometheusError({ failure: "credentials", server: this.#name, message: `${file} ${why}`, cause });
  }
}
