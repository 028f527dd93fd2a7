import type { ServerResponse } from "node:http";
import type { Right } from "./access/right.ts";
import { COMMON_FIELDS, JSON_TYPE } from "./answers.ts";
import { type Choices, continueToken, type PageRequest, type PageSizes, parsePage } from "./pages.ts";
import type { Route } from "./route.ts";
import type { OneATurn } from "./turns.ts";

/**
 * One step of a list: items that were made together, each with its key. A step may be empty, so
 * that others have their turn in between.
 */
export type Step = readonly { readonly key: readonly string[]; readonly value: object }[];

/** A list that is shown in pages. */
export interface ListOptions {
  readonly path: string;
  /** Name of the list in the answer, `{"<name>": […]}`. */
  readonly name: string;
  readonly sizes: PageSizes;
  /** The right that a caller needs in the requested namespace, or in all of them. */
  readonly right: Omit<Right, "namespace" | "name">;
  /** Parameters of its own. Default: none. */
  readonly choices?: Choices;
  /**
   * Whether the requested items tell something about other namespaces, too. Default: they do not.
   */
  readonly tellsOfOthers?: (page: PageRequest) => boolean;
  /** Shared by all lists that take long. */
  readonly turns: OneATurn;
  /** Makes the page step by step, in the order of the keys. It is stopped when the page is full. */
  readonly steps: (page: PageRequest) => Iterable<Step>;
}

/** Milliseconds in which a client reads no byte of a list, after which the connection is closed. */
const STALL_MS = 30_000;

/** A route that shows a list in pages, with the parameters `limit`, `continue` and `namespace`. */
export function listRoute({ path, name, sizes, right, turns, steps, choices, tellsOfOthers = () => false }: ListOptions): Route {
  return {
    method: "GET",
    path,
    right({ query }) {
      const page = parsePage(query, name, sizes, choices);
      return { ...right, namespace: tellsOfOthers(page) ? undefined : page.namespace };
    },
    async answer({ query }, response) {
      const page = parsePage(query, name, sizes, choices);
      const made = steps(page);
      response.writeHead(200, { "content-type": JSON_TYPE, ...COMMON_FIELDS });
      if (response.req.method === "HEAD") response.end();
      else await writeList(response, new PageText(name, page), made, turns);
    },
  };
}

/** The text of a page, made step by step. */
class PageText {
  readonly #page: PageRequest;
  readonly #name: string;
  #written = 0;
  #last: readonly string[] = [];
  /** Token of the next page, once it is known that there is one. */
  next: string | undefined;

  constructor(name: string, page: PageRequest) {
    this.#name = name;
    this.#page = page;
  }

  get head(): string {
    return `{"${this.#name}":[`;
  }

  /** The text of the step's items that are still on this page. */
  add(step: Step): string {
    let text = "";
    for (const { key, value } of step) {
      if (this.#written === this.#page.limit) {
        this.next = continueToken(this.#name, this.#page, this.#last);
        return text;
      }
      text += `${this.#written === 0 ? "\n" : ",\n"}${JSON.stringify(value)}`;
      this.#written += 1;
      this.#last = key;
    }
    return text;
  }

  get tail(): string {
    return `\n]${this.next === undefined ? "" : `,"continue":${JSON.stringify(this.next)}`}}\n`;
  }
}

/**
 * Writes a page of a list while it is made, `{"<name>":[…],"continue":"…"}`, and not faster than
 * the client reads it. So only one step is in memory, whatever the size of the page.
 */
async function writeList(response: ServerResponse, text: PageText, steps: Iterable<Step>, turns: OneATurn): Promise<void> {
  const iterator = steps[Symbol.iterator]();
  let piece = text.head;
  while (text.next === undefined) {
    await turns.turn();
    if (response.destroyed) return;
    const { done, value } = iterator.next();
    if (done) break;
    piece += text.add(value);
    if (piece !== "" && !response.write(piece)) await drained(response);
    piece = "";
  }
  response.end(`${piece}${text.tail}`);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), STALL_MS);
    const done = () => {
      clearTimeout(timer);
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
