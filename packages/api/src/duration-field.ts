import { z } from "zod";
import { DURATION, parseDuration } from "./duration.ts";

const message = "not a duration: write a number and a unit, for example 300ms, 90s, 1h30m or 24h";

/**
 * A duration in a manifest: text such as `24h`; `0s` is allowed where a field's own minimum does not forbid it. The expression stands beside the
 * check because it alone reaches JSON schemas: Helm and the API server then refuse `24` too.
 */
export const duration = z
  .string()
  .regex(DURATION, { message, abort: true })
  .refine((text) => parseDuration(text) !== undefined, { message });
