import type { Lab } from "../../lab/lab.ts";
import { sum } from "../mesh/figures.ts";

/** Requests of everybody to change what Fenceline writes, since the API server started. */
export interface Writes {
  readonly sidecars: number;
  readonly envoyFilters: number;
  readonly statuses: number;
  /** Those among them that were refused because somebody else was faster. */
  readonly conflicts: number;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const READS = new Set(["GET", "LIST", "WATCH"]);
const CONFLICT = "409";
const OURS = new Set(["sidecars", "envoyfilters", "servicefences"]);

/**
 * Asks the API server itself, which counts what reached it, and not what somebody says to have
 * sent.
 */
export async function countWrites(lab: Lab): Promise<Writes> {
  const metrics = (await lab.kubernetes.request("GET", "/metrics")) as string;
  return writesIn(metrics);
}

/** Reads the API server's metrics. */
export function writesIn(metrics: string): Writes {
  const lines = metrics.split("\n").filter((line) => line.startsWith("apiserver_request_total{"));
  const samples = lines.map(sample).filter(({ labels: { verb = "", resource = "" } }) => !READS.has(verb) && OURS.has(resource));
  const count = (matches: (labels: Sample["labels"]) => boolean) =>
    sum(samples.filter(({ labels }) => matches(labels)).map(({ value }) => value));
  return {
    sidecars: count(({ resource }) => resource === "sidecars"),
    envoyFilters: count(({ resource }) => resource === "envoyfilters"),
    statuses: count(({ resource, subresource }) => resource === "servicefences" && subresource === "status"),
    conflicts: count(({ code }) => code === CONFLICT),
  };
}

/** `<name>{<label>="<value>",…} <number>`; no value of these labels holds a quote. */
function sample(line: string): Sample {
  const labels = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
  return { labels, value: Number(line.slice(line.lastIndexOf(" ") + 1)) };
}

export function since(before: Writes, after: Writes): Writes {
  return {
    sidecars: after.sidecars - before.sidecars,
    envoyFilters: after.envoyFilters - before.envoyFilters,
    statuses: after.statuses - before.statuses,
    conflicts: after.conflicts - before.conflicts,
  };
}
