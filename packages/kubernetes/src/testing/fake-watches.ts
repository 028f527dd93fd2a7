import type { ServerResponse } from "node:http";
import type { FakeEvent, FakeObject } from "./fake-objects.ts";

/** A watch that is open. */
interface OpenWatch {
  readonly collection: string;
  readonly selection: FakeSelection;
  readonly response: ServerResponse;
}

/** The requested part of a collection. */
export interface FakeSelection {
  readonly namespace: string | undefined;
  readonly labels: string | null;
  readonly fields: string | null;
}

/** The watches that are open at a fake API server. */
export class FakeWatches {
  readonly #watches = new Set<OpenWatch>();

  /** Sends the events so far, and from then on every new one. */
  open(watch: OpenWatch, history: Iterable<FakeEvent>): void {
    const { response } = watch;
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watches.add(watch);
    response.on("close", () => {
      this.#watches.delete(watch);
    });
    for (const event of history) tell(watch, event);
  }

  publish(event: FakeEvent): void {
    for (const watch of this.#watches) tell(watch, event);
  }

  /** Ends the watches of a collection, or cuts their connections. */
  end(collection: string, how: "end" | "cut"): void {
    for (const watch of this.#of(collection)) {
      this.#watches.delete(watch);
      if (how === "end") watch.response.end();
      else watch.response.socket?.resetAndDestroy();
    }
  }

  send(collection: string, text: string | Buffer): void {
    for (const { response } of this.#of(collection)) response.write(text);
  }

  count(collection: string): number {
    return this.#of(collection).length;
  }

  #of(collection: string): OpenWatch[] {
    return [...this.#watches].filter((watch) => watch.collection === collection);
  }
}

function tell({ collection, selection, response }: OpenWatch, { type, object, ...event }: FakeEvent): void {
  if (collection === event.collection && isSelected(object, selection)) response.write(`${JSON.stringify({ type, object })}\n`);
}

/** Whether an object is among those that are asked for. */
export function isSelected({ metadata }: FakeObject, { namespace, labels, fields }: FakeSelection): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (fields !== null && fields !== `metadata.name=${metadata.name}`) return false;
  if (labels === null) return true;
  const [key = "", value] = labels.split(/!?=/);
  if (value === undefined) return metadata.labels?.[key] !== undefined;
  return (metadata.labels?.[key] === value) !== labels.includes("!=");
}
