import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { KubernetesApi } from "../client/kubernetes-api.ts";
import { collectionPath, keyText, type ObjectKey, type Resource } from "../client/resource.ts";
import type { Clock } from "../clock.ts";
import { type FakeObject, FakeObjects, type Place, Refusal } from "./fake-objects.ts";
import { FakeRights } from "./fake-rights.ts";
import { FakeTokens } from "./fake-tokens.ts";
import { type FakeSelection, FakeWatches, isSelected } from "./fake-watches.ts";
import { type Fault, type RecordedRequest, reply, type ScriptedAnswer, ScriptedAnswers, statusAnswer } from "./scripted-answers.ts";

const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/(status))?$/;

/**
 * An API server that behaves like a real one, unless a test makes it fail. Real sockets, plain
 * HTTP.
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
  readonly #objects = new FakeObjects((event) => this.#watches.publish(event));
  readonly #watches = new FakeWatches();
  readonly #scripted = new ScriptedAnswers();
  readonly #held = new Map<Fault["matches"], Promise<void>>();
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
    // client-node uses plain HTTP only for servers whose certificates are not checked.
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

  list(resource: Resource): readonly FakeObject[] {
    return this.#objects.list(collectionPath(resource));
  }

  remove(resource: Resource, key: ObjectKey): void {
    this.#objects.remove({ collection: collectionPath(resource), key: keyText(key) });
  }

  /** The next requests that match get these answers, one each. */
  answer(matches: Fault["matches"], ...answers: ScriptedAnswer[]): void {
    this.#scripted.add({ matches, next: () => answers.shift() });
  }

  /** Every request that matches gets this answer, until the returned function is called. */
  fail(matches: Fault["matches"], answer: ScriptedAnswer): () => void {
    return this.#scripted.add({ matches, next: () => answer });
  }

  /** Every request that matches waits until the returned function is called. */
  hold(matches: Fault["matches"]): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(matches, promise);
    return () => {
      this.#held.delete(matches);
      resolve();
    };
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
    return this.#watches.count(collectionPath(resource));
  }

  /** Sends text on every open watch of a kind, as it is. */
  send(resource: Resource, text: string | Buffer): void {
    this.#watches.send(collectionPath(resource), text);
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
    this.#watches.end(collectionPath(resource), how);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", this.url);
    const body = incoming.headers["content-length"] === undefined ? undefined : await json(incoming);
    const token = incoming.headers.authorization?.replace("Bearer ", "");
    const { accept = "" } = incoming.headers;
    const request = { method: incoming.method ?? "GET", path: url.pathname, query: url.searchParams, body, token, accept };
    this.requests.push(request);
    for (const [matches, released] of this.#held) if (matches(request)) await released;
    const scripted = this.#scripted.to(request);
    if (scripted !== undefined) reply(response, scripted);
    else if (this.token !== undefined && token !== this.token) reply(response, statusAnswer(401, "Unauthorized"));
    else this.#respond(request, incoming.headers["content-type"], response);
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
    if (method === "DELETE") return this.#objects.delete(place, (body as { preconditions?: object } | undefined)?.preconditions);
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
    // Items of built-in kinds have no apiVersion and kind in a list.
    const items = objects.slice(0, limit).map(({ apiVersion: _apiVersion, kind: _kind, ...object }) => object);
    return { metadata: { resourceVersion: String(version), ...(rest.length > 0 && { continue: String(this.#tokens) }) }, items };
  }

  #watch(collection: string, query: URLSearchParams, selection: FakeSelection, response: ServerResponse): void {
    const from = Number(query.get("resourceVersion"));
    if (from < this.#oldest) throw new Refusal(410, "too old resource version");
    const missed = this.#objects.history.filter(({ version }) => version > from);
    this.#watches.open({ collection, selection, response }, missed);
  }
}
