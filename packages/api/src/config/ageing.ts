/** How long a host stays in a fence, and how it goes. */
import { z } from "zod";
import { durationMs } from "../duration.ts";
import { durationBetween } from "../duration-field.ts";

const AgeingFields = z.strictObject({
  idleWindow: durationBetween("100ms", "87600h")
    .default("24h")
    .describe(
      "How long a learned host may go unseen, in observed time, before it leaves the fence. Not shorter than `shortestWindow`, and ten years (87600h) at most.",
    ),
  shortestWindow: durationBetween("100ms", "24h")
    .default("10s")
    .describe(
      "Shortest time that a fence may set: a shorter `idleWindow`, `warmUp.for` or `auto.duration` counts as this, and the fence's condition Ready says so. From 100ms to 24h. Times and counts of a fence are written every tenth of its window, so this bounds the writes that somebody who may create fences can cause; they are never written more than once a second. Below 10s only for tests with one replica: sightings of another replica would come too late.",
    ),
  maxHosts: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe(
      "Most learned hosts of a fence, from 1 to 100000. Beyond it a new host replaces one that was not seen within its window; if there is none, the new host stays on the fallback (condition AtCapacity). Static hosts do not count, nor do those that `warmUp.preload: All` added, until they are called.",
    ),
  keepDeleted: durationBetween("0s", "720h")
    .default("24h")
    .describe(
      "How long what a fence has learned is kept after its deletion: a fence that is created with the same name within this time continues with it. 0s forgets at once, 720h at most. In a folder it is kept across restarts, in a cluster while a collector runs. At most 1,000 deleted fences are kept, with 64 MiB of files in a folder and 100,000 hosts in a cluster; beyond that the one that was deleted first is forgotten.",
    ),
  maxRemovedShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe(
      "Largest share of a fence's learned hosts that one ageing round may remove (at least one host). What is left waits for the next round.",
    ),
});

export const Ageing = AgeingFields.refine(({ idleWindow, shortestWindow }) => durationMs(idleWindow) >= durationMs(shortestWindow), {
  path: ["idleWindow"],
  message: "shorter than ageing.shortestWindow",
});
export type Ageing = z.infer<typeof Ageing>;

const SwitchOverFields = z.strictObject({
  shortestPause: durationBetween("10ms", "10m")
    .default("500ms")
    .describe(
      "Shortest time between the two steps in which a host is removed from a Sidecar, or added where its calls cannot wait in Envoy. From 10ms to 10m. Istiod collects changes for 100ms (PILOT_DEBOUNCE_AFTER): if it pushes both steps as one, a request may be lost.",
    ),
  longestPause: durationBetween("10ms", "10m")
    .default("15s")
    .describe("Longest time between them, however slow pushes are. From 10ms to 10m, not shorter than `shortestPause`."),
  unobservedPause: durationBetween("10ms", "10m")
    .default("3s")
    .describe(
      "Time between them as long as no push was observed. Access logs tell how long the latest ones took, from the write of a Sidecar to the first direct call; twice the longest of these is waited.",
    ),
});

/** How a Sidecar goes from one set of hosts to another one. */
export const SwitchOver = SwitchOverFields.refine(
  ({ shortestPause, longestPause }) => durationMs(longestPause) >= durationMs(shortestPause),
  { path: ["longestPause"], message: "shorter than switchOver.shortestPause" },
);
export type SwitchOver = z.infer<typeof SwitchOver>;
