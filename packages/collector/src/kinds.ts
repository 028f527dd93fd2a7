import type { OWN_KINDS } from "@fenceline/api";
import { serviceFences } from "./fence/service-fences.ts";
import type { KindMaker } from "./kind-context.ts";
import { smartLimiters } from "./limiter/smart-limiters.ts";

/** The kinds that a collector runs, by their names. */
export type Drivers = Readonly<Record<string, KindMaker>>;

/**
 * The table of the code for each kind of ours. The collector and `fenceline render` read it. A new
 * kind needs one line here; without it the types do not match. See docs/adding-a-kind.md.
 */
export const DRIVERS = {
  ServiceFence: serviceFences,
  SmartLimiter: smartLimiters,
} satisfies { readonly [kind in (typeof OWN_KINDS)[number]["name"]]: KindMaker };
