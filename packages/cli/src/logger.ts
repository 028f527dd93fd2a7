import { createRequire } from "node:module";
import { type Logger, pino } from "pino";
import type pinoPretty from "pino-pretty";

export const LOG_FORMATS = ["auto", "pretty", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One line per decision on standard output: JSON, or on a terminal the same for people. */
export function createLogger(format: LogFormat, level: string): Logger {
  const isPretty = resolveFormat(format) === "pretty";
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // Synchronous: the last lines before an exit are the ones that somebody will want to read.
  if (!isPretty) return pino(options, pino.destination({ fd: 1, sync: true }));
  // Loaded here: in a pod nobody needs it, and it takes as much memory as the logger.
  const pretty: typeof pinoPretty = createRequire(import.meta.url)("pino-pretty");
  return pino(options, pretty({ sync: true, singleLine: true, translateTime: "SYS:HH:MM:ss.l", ignore: "part" }));
}

/** What `auto` means where standard output goes now. */
export function resolveFormat(format: LogFormat): LogFormat {
  if (format !== "auto") return format;
  return process.stdout.isTTY ? "pretty" : "json";
}
