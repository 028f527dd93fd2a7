import { createHash } from "node:crypto";
import { durationMs, formatDuration } from "./duration.ts";
import type { ServiceFenceSpec } from "./kinds/service-fence.ts";

/** Enough that two lists of hosts are never taken for one, in hexadecimal digits. */
const DIGITS = 16;

/**
 * A warm-up in short, as the status tells which one was put in: `None`, `All for 48h`. Of a list,
 * which may be long, a hash tells it from others.
 */
export function warmUpMark({ preload, for: length }: ServiceFenceSpec["warmUp"]): string {
  if (preload === "None") return preload;
  const what = typeof preload === "string" ? preload : `${preload.length} hosts ${hashOf(preload)}`;
  return `${what} for ${formatDuration(durationMs(length))}`;
}

function hashOf(hosts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(hosts)).digest("hex").slice(0, DIGITS);
}
