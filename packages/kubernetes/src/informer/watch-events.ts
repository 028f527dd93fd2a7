import { FencelineError } from "@fenceline/api";
import { metadataOnly } from "../client/accepted-forms.ts";
import { ApiError, readStatus } from "../client/api-error.ts";
import { readWireObject, type WireObject } from "../client/wire-object.ts";
import { type Selection, selected } from "./list-pages.ts";
import { linesOf } from "./stream-lines.ts";

/** One event of a watch. A bookmark only has the current version. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: WireObject }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** How to watch. */
export interface WatchOptions {
  /** The watch begins after this version. */
  readonly resourceVersion: string;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Called once, when the server has accepted the watch. */
  readonly onOpen: () => void;
}

/** A line of a watch that cannot be read. Its event is lost, so a new list is needed. */
export class BrokenEvent extends FencelineError {}

/**
 * The events of one watch, until the server ends it or the connection breaks. After either, a new
 * watch goes on from the last version.
 *
 * @throws {BrokenEvent} when a line is not an event
 * @throws {ApiError} when the server refuses the watch at once, or later by an ERROR event; 410
 * when the version is too old
 */
export async function* watchEvents(selection: Selection, options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { path, query: selectors } = selected(selection);
  const { resourceVersion, timeoutSeconds, signal, onOpen } = options;
  const query = { ...selectors, watch: "true", allowWatchBookmarks: "true", resourceVersion, timeoutSeconds: String(timeoutSeconds) };
  const accept = selection.isMetadataOnly === true ? { accept: metadataOnly("PartialObjectMetadata") } : {};
  const stream = await selection.api.stream({ method: "GET", path, query, signal, ...accept });
  onOpen();
  const lines = linesOf(stream);
  for (;;) {
    const line = await nextLine(lines, path);
    if (line === undefined) return;
    yield readEvent(line, selection);
  }
}

/** A broken connection ends the watch as if the server had closed it. */
async function nextLine(lines: AsyncGenerator<string>, path: string): Promise<string | undefined> {
  try {
    const { done, value } = await lines.next();
    return done ? undefined : value;
  } catch (cause) {
    if (cause instanceof RangeError) throw new BrokenEvent("WATCH_EVENT_BROKEN", { message: `GET ${path}: ${cause.message}`, cause });
    return undefined;
  }
}

function readEvent(line: string, selection: Selection): WatchEvent {
  const { path } = selected(selection);
  const { type, object } = parseLine(line, path);
  if (type === "ERROR") {
    const { code = 0, message = "the watch failed", retryAfter } = readStatus(object);
    throw new ApiError({ request: `GET ${path}`, status: code, message: `watch: ${message}`, retryAfter });
  }
  if (type === "BOOKMARK") {
    const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
    if (typeof version === "string") return { type, resourceVersion: version };
  }
  const wire = readWireObject(object, selection.resource);
  if (wire === undefined || (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED"))
    throw broken(path, "an event without an object");
  return { type, object: wire };
}

function parseLine(line: string, path: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as { type?: unknown; object?: unknown };
  } catch {
    throw broken(path, "a line that is not JSON");
  }
}

function broken(path: string, what: string): BrokenEvent {
  return new BrokenEvent("WATCH_EVENT_BROKEN", { message: `GET ${path}: the watch sent ${what}` });
}
