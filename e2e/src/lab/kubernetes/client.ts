import { Agent, request } from "node:https";
import { json, text } from "node:stream/consumers";
import { FencelineError } from "@fenceline/api";
import type { Connection } from "./connection.ts";
import type { KubernetesObject, ObjectReference } from "./object.ts";
import { ResourcePaths } from "./resource-paths.ts";
import { type WatchEvent, watch } from "./watch.ts";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const FIELD_MANAGER = "fenceline-lab";
const MERGE_PATCH = "application/merge-patch+json";
const NOT_FOUND = 404;

/** Whether an object is deleted before those that it owns, or after them. */
export type Propagation = "Background" | "Foreground";

/** Settings of a service-account token. */
export interface TokenOptions {
  /** Its audience. Default: the API server. */
  readonly audience?: string | undefined;
  /** Default: a day. */
  readonly seconds?: number;
  /** It is invalid once this pod is gone. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/**
 * A small client of the API server. It is not Fenceline's: a suite must not use the code under test
 * to see the result.
 */
export class KubernetesClient {
  readonly #connection: Connection;
  readonly #agent: Agent;
  readonly #paths: ResourcePaths;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16, ca: connection.certificates });
    this.#paths = new ResourcePaths((path) => this.request("GET", path));
  }

  /**
   * Creates or changes the object by server-side apply. Returns the object as the server has it
   * then.
   */
  async apply(object: KubernetesObject): Promise<KubernetesObject> {
    const path = `${await this.#paths.of(object)}?fieldManager=${FIELD_MANAGER}&force=true`;
    return (await this.request("PATCH", path, object, "application/apply-patch+yaml")) as KubernetesObject;
  }

  /** The object, or undefined when there is none. */
  async get(reference: ObjectReference): Promise<KubernetesObject | undefined> {
    const { status, body } = await this.#send("GET", await this.#paths.of(reference));
    if (status === NOT_FOUND) return undefined;
    return accepted(status, body, reference.metadata.name) as KubernetesObject;
  }

  /** Every object of a kind, in one namespace or in all. */
  async list(apiVersion: string, kind: string, namespace?: string): Promise<readonly KubernetesObject[]> {
    const metadata = { name: "", ...(namespace !== undefined && { namespace }) };
    const body = (await this.request("GET", await this.#paths.of({ apiVersion, kind, metadata }))) as { items: KubernetesObject[] };
    // Items of a list carry no kind of their own.
    return body.items.map((item) => ({ ...item, apiVersion, kind }));
  }

  /**
   * Tells of every change of a kind's objects in one namespace or in all, until the returned
   * function is called.
   */
  async watch(
    apiVersion: string,
    kind: string,
    namespace: string | undefined,
    tell: (event: WatchEvent) => void,
    ended?: () => void,
  ): Promise<() => void> {
    const metadata = { name: "", ...(namespace !== undefined && { namespace }) };
    return watch(this.#connection, await this.#paths.of({ apiVersion, kind, metadata }), tell, ended);
  }

  /** Changes fields by a JSON merge patch. @param subresource for example `status` */
  async patch(reference: ObjectReference, change: unknown, subresource = ""): Promise<void> {
    const path = await this.#paths.of(reference);
    await this.request("PATCH", subresource === "" ? path : `${path}/${subresource}`, change, MERGE_PATCH);
  }

  /**
   * Deletes the object at once, without a grace period; does nothing when there is none.
   *
   * @param propagation when the objects that it owns are deleted. Default: that of the kind
   */
  async delete(reference: ObjectReference, propagation?: Propagation): Promise<void> {
    const options = { gracePeriodSeconds: 0, ...(propagation !== undefined && { propagationPolicy: propagation }) };
    const { status, body } = await this.#send("DELETE", await this.#paths.of(reference), options);
    if (status !== NOT_FOUND) accepted(status, body, reference.metadata.name);
  }

  /** A token for a service account. */
  async serviceAccountToken(namespace: string, name: string, { audience, seconds = 24 * 3_600, pod }: TokenOptions = {}): Promise<string> {
    const spec = {
      expirationSeconds: seconds,
      ...(audience !== undefined && { audiences: [audience] }),
      ...(pod !== undefined && { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...pod } }),
    };
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const { status } = (await this.request("POST", path, body)) as { status: { token: string } };
    return status.token;
  }

  /**
   * Any request. Returns the answer's JSON, or its text when it is not JSON.
   *
   * @throws {FencelineError} `LAB_API_SERVER` for every status but 2xx
   */
  async request(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<unknown> {
    const answer = await this.#send(method, path, body, contentType);
    return accepted(answer.status, answer.body, `${method} ${path}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<Answer> {
    const { host, port, token } = this.#connection;
    const payload = body === undefined ? "" : JSON.stringify(body);
    // node:http sends the body of a DELETE without framing, and the server would read it as the
    // next request.
    const framing = { "content-type": contentType, "content-length": Buffer.byteLength(payload) };
    const headers = { authorization: `Bearer ${token}`, accept: "application/json", ...framing };
    const asked = request({ host, port, method, path, headers, agent: this.#agent });
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    asked.on("error", reject);
    asked.on("response", (response) => {
      const parsed = response.headers["content-type"]?.startsWith("application/json") ? json(response) : text(response);
      parsed.then((value) => resolve({ status: response.statusCode ?? 0, body: value }), reject);
    });
    asked.end(payload);
    return promise;
  }
}

function accepted(status: number, body: unknown, what: string): unknown {
  if (status >= 200 && status < 300) return body;
  const { message } = (body ?? {}) as { message?: string };
  throw new FencelineError("LAB_API_SERVER", { message: `the API server answered ${what} with ${status}: ${message ?? "no reason"}` });
}
