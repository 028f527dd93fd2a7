import { durationMs, formatDuration } from "./duration.ts";
import type { ServiceFenceSpec } from "./kinds/service-fence.ts";
import { shortHash } from "./short-hash.ts";

/**
 * A warm-up in short, as the status tells which one was put in: `None`, `All for 48h`. Of a list,
 * which may be long, a hash tells it from others.
 */
export function warmUpMark({ preload, for: length }: ServiceFenceSpec["warmUp"]): string {
  if (preload === "None") return preload;
  const what = typeof preload === "string" ? preload : `${preload.length} hosts ${shortHash(JSON.stringify(preload))}`;
  return `${what} for ${formatDuration(durationMs(length))}`;
}
