import {
  type FenceKey,
  formatFenceKey,
  nextAsked,
  parseReset,
  type Reset,
  resetOf,
  type ServiceFence,
  shortenedList,
} from "@fenceline/api";
import type { FenceEdges, ResetsDone } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { statusKey } from "@fenceline/render/fence";
import type { Logger } from "pino";

/** A reset that was done, and what was forgotten. */
export interface ResetDone {
  readonly mark: string;
  readonly hosts: readonly string[];
}

/**
 * Forgets what the fence's annotation names, and what another replica was asked for by the API,
 * once for each value. Every replica does so: one that still knew a host would write it into the
 * status again.
 */
export function resetsAsked(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup): readonly ResetDone[] {
  const { metadata, status } = fence;
  const { annotated, asked } = edges.resets;
  const waiting: readonly Waiting[] = [
    { by: "annotated", reset: resetOf(metadata.annotations), here: annotated, byLeader: status.reset },
    { by: "asked", reset: askedAfter(status.resetAsked, asked), here: asked, byLeader: status.resetAnswered },
  ];
  return waiting.flatMap(({ by, reset, here, byLeader }) => {
    if (reset === undefined || reset.mark === here) return [];
    edges.resets = { ...edges.resets, [by]: reset.mark };
    // The leader has done it, and its status has what is left.
    if (reset.mark === byLeader) return [];
    return { mark: reset.mark, hosts: forgetLearned(edges, fence, registry, reset.hosts) };
  });
}

/** A reset that may have been done already. */
interface Waiting {
  readonly by: keyof ResetsDone;
  readonly reset: Reset | undefined;
  /** The last one that this replica did. */
  readonly here: string | undefined;
  /** The last one that a leader did. */
  readonly byLeader: string | undefined;
}

/**
 * What the API was asked for, in full. The status may be older than the requests to this replica.
 */
function askedAfter(text: string | undefined, here = ""): Reset | undefined {
  const reset = text !== undefined && text > here ? parseReset(text) : undefined;
  return reset && text !== undefined ? { ...reset, mark: text } : undefined;
}

/**
 * Makes a fence forget, for a request to this replica's API. The leader hears of it by the status.
 *
 * @param host undefined for all that was learned
 * @param now milliseconds of the wall clock
 * @returns undefined when too many resets wait for a leader
 */
export function askReset(
  edges: FenceEdges,
  fence: ServiceFence,
  registry: ServiceLookup,
  host: string | undefined,
  now: number,
): ResetDone | undefined {
  const { resetAsked, resetAnswered } = fence.status;
  const { asked } = edges.resets;
  const isNewer = asked !== undefined && asked > (resetAsked ?? "");
  const mark = nextAsked({ resetAsked: isNewer ? asked : resetAsked, resetAnswered }, host, now);
  if (mark === undefined) return undefined;
  edges.resets = { ...edges.resets, asked: mark };
  return { mark, hosts: forgetLearned(edges, fence, registry, parseReset(mark)?.hosts) };
}

/** Logs one line for each reset. */
export function tellReset(logger: Logger, fence: FenceKey, { mark: reset, hosts }: ResetDone): void {
  const fields = { fence: formatFenceKey(fence), reset, hosts: hosts.length, detail: shortenedList(hosts, ", ") };
  logger.info(fields, "fence was reset, what it had learned is forgotten");
}

/**
 * Forgets hosts that were learned, preloaded or imported. Declared hosts stay, and so do their
 * times: an `auto` host without them would never come back.
 *
 * @param hosts short names are completed as in the spec; undefined for all
 */
function forgetLearned(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, hosts?: readonly string[]): readonly string[] {
  const keyOf = (host: string) => statusKey(host, fence.metadata.namespace, registry);
  const meant = hosts && new Set(hosts.map(keyOf));
  const declared = new Set(Object.keys(fence.spec.host).map(keyOf));
  const forgotten = edges
    .hosts()
    .map(({ host }) => host)
    .filter((host) => !declared.has(host) && (meant === undefined || meant.has(host)));
  for (const host of forgotten) edges.remove(host);
  return forgotten;
}
