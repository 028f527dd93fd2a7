import type { ServerResponse } from "node:http";
import { continueToken, type PageRequest } from "./pages.ts";
import type { Step } from "./views.ts";

/** Milliseconds that a client may take no byte of a list; beyond it the connection is cut. */
const STALL_MS = 30_000;

/**
 * Lets one piece of work be done in a turn of the event loop, whoever asks: many lists at once take as long as they take, one after the other, and hold up
 * nobody else. First come, first served, so lists that were asked for together get on together.
 */
export class OneATurn {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may do its next piece. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#pump();
    });
  }

  #pump(): void {
    setImmediate(() => {
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#pump();
    });
  }
}

/** The text of a page, made step by step. */
class PageText {
  readonly #page: PageRequest;
  readonly #name: string;
  #written = 0;
  #last: readonly string[] = [];
  /** Token of the next page, as soon as it is known that there is one. */
  next: string | undefined;

  constructor(name: string, page: PageRequest) {
    this.#name = name;
    this.#page = page;
  }

  /** The items of a step that are still on this page. */
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
}

/**
 * Writes a page of a list as it is made, `{"<name>":[…],"continue":"…"}`, and no faster than the client reads it: of a page of any size, one step is in memory.
 */
export async function writeList(
  response: ServerResponse,
  name: string,
  page: PageRequest,
  steps: Iterable<Step>,
  turns: OneATurn,
): Promise<void> {
  const text = new PageText(name, page);
  const iterator = steps[Symbol.iterator]();
  let piece = `{"${name}":[`;
  while (text.next === undefined) {
    await turns.turn();
    if (response.destroyed) return;
    const { done, value } = iterator.next();
    if (done) break;
    piece += text.add(value);
    if (piece !== "" && !response.write(piece)) await drained(response);
    piece = "";
  }
  response.end(`${piece}\n]${text.next === undefined ? "" : `,"continue":${JSON.stringify(text.next)}`}}\n`);
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
