/** Hosts that come into fences by the configuration alone. */
import { z } from "zod";
import { EgressHostKey } from "../egress-host.ts";

const MOST_STABLE = 1_000;
const MOST_ALIASES = 32;
const MOST_TEMPLATES = 16;

/** Slime's `stableHost`. */
export const StableHosts = z.array(EgressHostKey).max(MOST_STABLE);

/** An expression that is none is no fault here: it is told, and the other rules hold. */
const DomainAlias = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .max(1_024)
    .describe(
      "RE2 expression that must match somewhere in the host; groups may have names, `(?P<name>…)`. Up to 1024 characters. With ^ and $ it must match the whole host. Counted repetitions are expanded, to at most 1,000 steps.",
    ),
  templates: z
    .array(z.string().max(1_024))
    .max(MOST_TEMPLATES)
    .default([])
    .describe(
      "Further hosts, in which `$name` and `$1` stand for what the groups matched, with braces around the name where letters follow, and `$$` for a $. At most 16.",
    ),
});
export type DomainAlias = z.infer<typeof DomainAlias>;

/** Slime's field. */
export const DomainAliases = z.array(DomainAlias).max(MOST_ALIASES);
