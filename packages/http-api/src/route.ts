import type { IncomingMessage, ServerResponse } from "node:http";
import type { Right } from "./access/right.ts";
import { sendJson } from "./answers.ts";
import { ApiRefusal, quoted } from "./refusal.ts";
import { parseQuery, type Target } from "./target.ts";

/** One request that a route answers. */
interface Call {
  readonly request: IncomingMessage;
  /** The decoded segments for each `{name}`, in the order of the path. */
  readonly path: readonly string[];
  /** Everything after the first `?`, not parsed yet. */
  readonly query: string;
}

/** A line of the route table: one method of one path. */
export interface Route {
  /** GET answers HEAD as well. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * For example `/api/v1/fences/{namespace}/{name}`. Each pair of braces stands for one segment
   * that is not empty.
   */
  readonly path: string;
  /**
   * The right that a call needs, which may depend on its parameters. `none` for routes that are
   * open to everybody who reaches the port, such as probes and metrics. The function throws an
   * {@link ApiRefusal} for parameters that are not valid.
   */
  readonly right: "none" | ((call: Call) => Right);
  /** @throws {ApiRefusal} when the call is refused */
  answer(call: Call, response: ServerResponse): Promise<void> | void;
}

/** A route without parameters that shows a value as JSON. */
export function jsonRoute(path: string, right: Right, read: () => object): Route {
  return {
    method: "GET",
    path,
    right: () => right,
    answer({ query }, response) {
      parseQuery(query, []);
      sendJson(response, 200, read());
    },
  };
}

interface Line {
  readonly route: Route;
  readonly segments: readonly string[];
}

/** All routes of a server, found by path and method. The first that matches is used. */
export class RouteTable {
  readonly #lines: readonly Line[];

  constructor(routes: readonly Route[]) {
    this.#lines = routes.map((route) => ({ route, segments: route.path.split("/").slice(1) }));
  }

  /**
   * The route for a request, and the values of its path.
   *
   * @throws {ApiRefusal} `NOT_FOUND` with all paths, `METHOD_NOT_ALLOWED` with the methods of this
   * path
   */
  find(method: string, { path }: Target): { readonly route: Route; readonly path: readonly string[] } {
    const candidates = this.#lines.flatMap(({ route, segments }) => {
      const values = match(segments, path);
      return values === undefined ? [] : [{ route, path: values }];
    });
    if (candidates.length === 0) throw this.#unknownPath(path);
    const wanted = method === "HEAD" ? "GET" : method;
    const found = candidates.find(({ route }) => route.method === wanted);
    if (found === undefined) throw refuseMethod(candidates.map(({ route }) => route.method));
    return found;
  }

  #unknownPath(path: readonly string[]): ApiRefusal {
    const served = this.#lines.map(({ route }) => route.path).filter((each) => !each.includes("{"));
    return new ApiRefusal(404, "NOT_FOUND", `no ${quoted(`/${path.join("/")}`)}; see ${[...new Set(served)].join(", ")}`);
  }
}

function match(segments: readonly string[], path: readonly string[]): string[] | undefined {
  if (segments.length !== path.length) return undefined;
  const values: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const given = path[index] ?? "";
    if (!segment.startsWith("{")) {
      if (segment !== given) return undefined;
    } else if (given === "") return undefined;
    else values.push(given);
  }
  return values;
}

function refuseMethod(methods: readonly Route["method"][]): ApiRefusal {
  const isReadOnly = methods.every((method) => method === "GET");
  const message = isReadOnly ? "this path only reads: use GET" : `use ${methods.join(" or ")}`;
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  return new ApiRefusal(405, "METHOD_NOT_ALLOWED", message, { allow });
}
