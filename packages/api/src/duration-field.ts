import { z } from "zod";
import { parseDuration } from "./duration.ts";

/** A duration in a manifest: text such as `24h`; `0s` is allowed where a field's own minimum does not forbid it. */
export const duration = z.string().refine((text) => parseDuration(text) !== undefined, {
  message: "not a duration: write a number and a unit, for example 300ms, 90s, 1h30m or 24h",
});
