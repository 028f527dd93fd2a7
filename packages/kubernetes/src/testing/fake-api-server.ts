import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { KubernetesApi } from "../client/kubernetes-api.ts";
import { collectionPath, keyText, type ObjectKey, type Resource } from "../client/resource.ts";
import type { Clock } from "../clock.ts";
import { type FakeEvent, type FakeObject, FakeObjects, type Place, Refusal } from "./fake-objects.ts";
import { FakeRights } from "./fake-rights.ts";
import { FakeTokens } from "./fake-tokens.ts";

/** A request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly token: string | undefined;
}

/**
 * What a test has the server answer instead of the truth. `silence` never answers, `cut` closes the
 * connection.
 */
export type ScriptedAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | "silence"
  | "cut";

/** A watch that is open. */
interface OpenWatch {
  readonly collection: string;
  readonly selection: FakeSelection;
  readonly response: ServerResponse;
}

/** What of a collection is asked for. */
interface FakeSelection {
  readonly namespace: string | undefined;
  readonly labels: string | null;
  readonly fields: string | null;
}

interface Fault {
  readonly matches: (request: RecordedRequest) => boolean;
  readonly next: () => ScriptedAnswer | undefined;
}

const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/(status))?$/;

/**
 * An API server that keeps its promises, except those that a test tells it to break. Real sockets,
 * plain HTTP.
 */
export class FakeApiServer {
  readonly requests: RecordedRequest[] = [];
  readonly tokens = new FakeTokens();
  readonly rights = new FakeRights();
  /** Connections opened so far. */
  connections = 0;
  /** When set, every other token is refused. */
  token: string | undefined;
  /** Changes what is stored on every write, as an admission webhook does. */
  webhook: ((object: object) => object) | undefined;
  readonly #objects = new FakeObjects((event) => this.#publish(event));
  readonly #watches = new Set<OpenWatch>();
  readonly #faults = new Set<Fault>();
  readonly #server: Server;
  /** Versions before this one are forgotten. */
  #oldest = 0;
  #tokens = 0;
  readonly #pages = new Map<string, { readonly rest: readonly FakeObject[]; readonly version: number }>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /** @param port 0 takes a free one */
  static async start(t: TestContext, port = 0): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    fake.#server.on("connection", () => {
      fake.connections += 1;
    });
    fake.#server.listen(port, "127.0.0.1");
    await once(fake.#server, "listening");
    t.after(() => {
      fake.#server.closeAllConnections();
      fake.#server.close();
    });
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  kubeConfig(token = "letmein"): KubeConfig {
    const config = new KubeConfig();
    // client-node speaks plain HTTP only to servers whose certificates nobody would look at.
    config.loadFromClusterAndUser({ name: "fake", server: this.url, skipTLSVerify: true }, { name: "test", token });
    return config;
  }

  /** A client of this server, closed after the test. */
  api(t: TestContext, options: { readonly clock?: Clock; readonly requestTimeout?: number } = {}): KubernetesApi {
    const api = new KubernetesApi(() => this.kubeConfig(), options);
    t.after(() => api.close());
    return api;
  }

  /** Writes an object as somebody else would. */
  put(resource: Resource, object: object, manager = "kubectl"): FakeObject {
    const { metadata } = object as FakeObject;
    const full = { apiVersion: resource.apiVersion, kind: resource.kind, ...object };
    return this.#objects.put({ collection: collectionPath(resource), key: keyText(metadata) }, full, manager);
  }

  get(resource: Resource, key: ObjectKey): FakeObject | undefined {
    return this.#objects.get({ collection: collectionPath(resource), key: keyText(key) });
  }

  remove(resource: Resource, key: ObjectKey): void {
    this.#objects.remove({ collection: collectionPath(resource), key: keyText(key) });
  }

  /** The next requests that match get these answers, one each. */
  answer(matches: Fault["matches"], ...answers: ScriptedAnswer[]): void {
    this.#faults.add({ matches, next: () => answers.shift() });
  }

  /** Every request that matches gets this answer, until the returned function is called. */
  fail(matches: Fault["matches"], answer: ScriptedAnswer): () => void {
    const fault = { matches, next: () => answer };
    this.#faults.add(fault);
    return () => this.#faults.delete(fault);
  }

  /** As {@link fail}: the rights to do something to a kind are missing. */
  forbid(resource: Resource, ...methods: readonly string[]): () => void {
    const matches = ({ method, path }: RecordedRequest) => methods.includes(method) && path.split("/").includes(resource.plural);
    return this.fail(matches, statusAnswer(403, `${resource.plural} is forbidden`));
  }

  /** As {@link fail}: the CRD of a kind is not installed. Watches that are open end. */
  uninstall(resource: Resource): () => void {
    const [root = ""] = collectionPath(resource).split(`/${resource.plural}`);
    this.endWatches(resource);
    const matches = ({ path }: RecordedRequest) => path.startsWith(`${root}/`) && path.split("/").includes(resource.plural);
    return this.fail(matches, statusAnswer(404, "the server could not find the requested resource"));
  }

  /** Forgets the history: whoever resumes from an older version gets 410. */
  compact(): void {
    this.#oldest = this.#objects.version;
    this.#objects.history.length = 0;
  }

  /** Forgets every continue token. */
  expireTokens(): void {
    this.#pages.clear();
  }

  /** Requests of a kind so far: `list`, `watch`, or a method. */
  count(what: "list" | "watch" | "POST" | "PUT" | "PATCH" | "DELETE" | "GET", resource?: Resource): number {
    return this.requests.filter(({ method, path, query }) => {
      if (resource !== undefined && !path.includes(`/${resource.apiVersion}/`)) return false;
      if (resource !== undefined && !path.split("/").includes(resource.plural)) return false;
      if (what === "watch") return query.has("watch");
      if (what === "list") return method === "GET" && !query.has("watch") && path.endsWith(`/${resource?.plural}`);
      return method === what && !query.has("watch");
    }).length;
  }

  openWatches(resource: Resource): number {
    return this.#watchesOf(resource).length;
  }

  /** Sends text on every open watch of a kind, as it is. */
  send(resource: Resource, text: string | Buffer): void {
    for (const { response } of this.#watchesOf(resource)) response.write(text);
  }

  sendEvent(resource: Resource, type: string, object: unknown): void {
    this.send(resource, `${JSON.stringify({ type, object })}\n`);
  }

  bookmark(resource: Resource): void {
    this.#objects.version += 1;
    const { apiVersion, kind } = resource;
    this.sendEvent(resource, "BOOKMARK", { apiVersion, kind, metadata: { resourceVersion: String(this.#objects.version) } });
  }

  /**
   * Ends every watch of a kind, as the server does when their time is over, or cuts them as a
   * network does.
   */
  endWatches(resource: Resource, how: "end" | "cut" = "end"): void {
    for (const watch of this.#watchesOf(resource)) {
      this.#watches.delete(watch);
      if (how === "end") watch.response.end();
      else watch.response.socket?.resetAndDestroy();
    }
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", this.url);
    const body = incoming.headers["content-length"] === undefined ? undefined : await json(incoming);
    const token = incoming.headers.authorization?.replace("Bearer ", "");
    const request = { method: incoming.method ?? "GET", path: url.pathname, query: url.searchParams, body, token };
    this.requests.push(request);
    const scripted = this.#scripted(request);
    if (scripted !== undefined) reply(response, scripted);
    else if (this.token !== undefined && token !== this.token) reply(response, statusAnswer(401, "Unauthorized"));
    else this.#respond(request, incoming.headers["content-type"], response);
  }

  #scripted(request: RecordedRequest): ScriptedAnswer | undefined {
    for (const { matches, next } of this.#faults) {
      const answer = matches(request) ? next() : undefined;
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  #respond(request: RecordedRequest, contentType: string | undefined, response: ServerResponse): void {
    try {
      const [, root, namespace, plural, name, subresource] = PATH.exec(request.path) ?? [];
      if (root === undefined || plural === undefined) throw new Refusal(404, "no such path");
      if (plural === "tokenreviews") {
        reply(response, { status: 201, body: this.tokens.review(request.body as Parameters<FakeTokens["review"]>[0]) });
        return;
      }
      if (plural === "subjectaccessreviews") {
        reply(response, { status: 201, body: this.rights.review(request.body as Parameters<FakeRights["review"]>[0]) });
        return;
      }
      const collection = `${root}/${plural}`;
      const { query } = request;
      const selection = { namespace, labels: query.get("labelSelector"), fields: query.get("fieldSelector") };
      if (query.has("watch")) this.#watch(collection, query, selection, response);
      else if (name === undefined && request.method === "GET")
        reply(response, { status: 200, body: this.#list(collection, query, selection) });
      else {
        const key = keyText({ namespace, name: name ?? (request.body as FakeObject).metadata.name });
        reply(response, { status: 200, body: this.#object({ collection, key }, request, contentType, subresource) });
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reply(response, statusAnswer(error.status, error.message));
    }
  }

  #object(place: Place, request: RecordedRequest, contentType: string | undefined, subresource: string | undefined): FakeObject {
    const { method, query } = request;
    const body = (
      method === "GET" || method === "DELETE" ? request.body : (this.webhook?.(request.body as object) ?? request.body)
    ) as object;
    const manager = query.get("fieldManager") ?? "unknown";
    if (method === "DELETE") return this.#objects.remove(place, (body as { preconditions?: object } | undefined)?.preconditions);
    if (method === "PATCH") {
      if (contentType === "application/merge-patch+json") return this.#objects.mergePatch(place, body, manager, subresource);
      return this.#objects.apply(place, body, manager, query.get("force") === "true");
    }
    const known = this.#objects.get(place);
    if (method === "POST" && known !== undefined) throw new Refusal(409, "already exists");
    if (method !== "POST" && known === undefined) throw new Refusal(404, "not found");
    return method === "GET" && known !== undefined ? known : this.#objects.put(place, body, manager);
  }

  #list(collection: string, query: URLSearchParams, selection: FakeSelection): unknown {
    const token = query.get("continue");
    const page = token === null ? undefined : this.#pages.get(token);
    if (token !== null && page === undefined) throw new Refusal(410, "the provided continue parameter is too old");
    const objects = page?.rest ?? this.#objects.list(collection).filter((object) => isSelected(object, selection));
    const version = page?.version ?? this.#objects.version;
    const limit = Number(query.get("limit") ?? objects.length);
    const rest = objects.slice(limit);
    this.#tokens += 1;
    if (rest.length > 0) this.#pages.set(String(this.#tokens), { rest, version });
    // Built-in kinds come without apiVersion and kind in a list.
    const items = objects.slice(0, limit).map(({ apiVersion: _apiVersion, kind: _kind, ...object }) => object);
    return { metadata: { resourceVersion: String(version), ...(rest.length > 0 && { continue: String(this.#tokens) }) }, items };
  }

  #watch(collection: string, query: URLSearchParams, selection: FakeSelection, response: ServerResponse): void {
    const from = Number(query.get("resourceVersion"));
    if (from < this.#oldest) throw new Refusal(410, "too old resource version");
    const watch = { collection, selection, response };
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watches.add(watch);
    response.on("close", () => {
      this.#watches.delete(watch);
    });
    for (const event of this.#objects.history) if (event.version > from) tell(watch, event);
  }

  #publish(event: FakeEvent): void {
    for (const watch of this.#watches) tell(watch, event);
  }

  #watchesOf(resource: Resource): OpenWatch[] {
    return [...this.#watches].filter(({ collection }) => collection === collectionPath(resource));
  }
}

function tell({ collection, selection, response }: OpenWatch, { type, object, ...event }: FakeEvent): void {
  if (collection === event.collection && isSelected(object, selection)) response.write(`${JSON.stringify({ type, object })}\n`);
}

function isSelected({ metadata }: FakeObject, { namespace, labels, fields }: FakeSelection): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (fields !== null && fields !== `metadata.name=${metadata.name}`) return false;
  if (labels === null) return true;
  const [key = "", value] = labels.split("=");
  return metadata.labels?.[key] === value;
}

function statusAnswer(status: number, message: string): ScriptedAnswer {
  return { status, body: { kind: "Status", apiVersion: "v1", status: "Failure", code: status, message } };
}

function reply(response: ServerResponse, answer: ScriptedAnswer): void {
  if (answer === "silence") return;
  if (answer === "cut") {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
  response.end(answer.body === undefined ? undefined : typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
}
