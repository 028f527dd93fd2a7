import { type LineBudgetOptions, ToldLineBudget } from "@fenceline/api";
import type { Logger } from "pino";

/** How many lines there may be, and whether they are logged at level `info`. Default: at `warn`. */
export interface ToldLinesOptions extends LineBudgetOptions {
  readonly isInfo?: boolean;
}

/**
 * Lets few of these lines through of each reason, or namespace, or whatever tells them apart, and
 * logs how many it left out.
 */
export function toldLines(logger: Logger, line: string, { isInfo = false, ...options }: ToldLinesOptions = {}): ToldLineBudget {
  const tell = (of: string | undefined, suppressed: number) => {
    const fields = { line, of, suppressed };
    if (isInfo) logger.info(fields, "lines left out");
    else logger.warn(fields, "lines left out");
  };
  return new ToldLineBudget(tell, options);
}
