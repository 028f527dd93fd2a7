import { createRequire } from "node:module";
import { printable, printableLines } from "@fenceline/api/vocabulary";
import { type DestinationStream, type Logger, pino } from "pino";
import type pinoPretty from "pino-pretty";

export const LOG_FORMATS = ["auto", "pretty", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * One line per event on standard output: JSON, or a readable form on a terminal. `docs/log.md`
 * lists the messages.
 *
 * @param onLost called when the log can no longer be written: its reader ended, the terminal is
 * gone, or the disk is full (`LOG_UNWRITABLE` on standard error). Nothing is written from then on
 */
export function createLogger(format: LogFormat, level: string, onLost: () => void = () => {}): Logger {
  const output = standardOutput(onLost);
  const isPretty = resolveFormat(format) === "pretty";
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, isPretty ? prettified(output) : escaped(output));
}

/** Resolves `auto` for the current standard output. */
export function resolveFormat(format: LogFormat): LogFormat {
  if (format !== "auto") return format;
  return process.stdout.isTTY ? "pretty" : "json";
}

function standardOutput(onLost: () => void): DestinationStream {
  // Synchronous: the last lines before an exit are the most important ones.
  const output = pino.destination({ fd: 1, sync: true });
  let isLost = false;
  output.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (isLost) return;
    // A reader that ended needs no explanation. A full disk does: otherwise nobody knows why the
    // log, or the process, ends.
    if (code !== "EPIPE" && code !== "EIO") process.stderr.write(`LOG_UNWRITABLE: standard output cannot be written: ${message}\n`);
    // EPIPE, or EIO of a terminal: the reader does not come back, and lines would pile up in
    // memory.
    isLost = true;
    onLost();
  });
  return { write: (line) => isLost || output.write(line) };
}

/** JSON allows C1 controls, which a terminal executes. As escapes they are the same text. */
function escaped(output: DestinationStream): DestinationStream {
  return { write: (line) => output.write(printableLines(line)) };
}

function prettified(output: DestinationStream): DestinationStream {
  // Loaded only here: it is not needed in a pod, and takes as much memory as the logger.
  const { prettyFactory }: typeof pinoPretty = createRequire(import.meta.url)("pino-pretty");
  const colorize = process.stdout.isTTY;
  const pretty = prettyFactory({ colorize, singleLine: true, translateTime: "SYS:HH:MM:ss.l", ignore: "part" });
  return {
    write: (line) => output.write(pretty(JSON.parse(line, (key, value) => (typeof value === "string" ? shown(value, key) : value)))),
  };
}

/** The readable form does not escape by itself. A stack has several lines. */
function shown(text: string, key: string): string {
  return key === "stack" ? printableLines(text) : printable(text);
}
