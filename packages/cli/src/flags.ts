import { parseDuration } from "@fenceline/api/vocabulary";
import { InvalidArgumentError, Option } from "commander";
import { LOG_FORMATS, LOG_LEVELS } from "./logger.ts";

/** Reads a port; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) throw new InvalidArgumentError("A port is a number from 0 to 65535; 0 takes a free one.");
  return port;
}

/** Reads how many there are of something, from 1. */
export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("A whole number from 1.");
  return count;
}

/** Longest duration of a flag, in milliseconds. A timer of Node's holds 24.8 days, and what is longer fires at once. */
const LONGEST = 24 * 3_600_000;

/** Reads a duration such as `25s`, in milliseconds, up to a day. */
export function parseDurationFlag(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError("A duration is a number and a unit, for example 300ms, 25s or 1m.");
  if (milliseconds > LONGEST) throw new InvalidArgumentError("At most 24h.");
  return milliseconds;
}

/** Reads a name, an address or a path: an empty one is an unset variable of somebody's script, and must not become the working directory. */
export function parseText(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** A flag that takes a duration. @param text its default, as a user would write it: the help shows just that */
export function durationOption(flags: string, description: string, text: string): Option {
  return new Option(flags, description).argParser(parseDurationFlag).default(parseDurationFlag(text), text);
}

/** `--host`, the same for every command. */
export function hostOption(address: string): Option {
  return new Option("--host <address>", "address to listen on, or a name for one").argParser(parseText).default(address, address);
}

/** `--log-format`, the same for every command. */
export function logFormatOption(): Option {
  const meaning = "pretty for people, json for machines; auto takes pretty on a terminal";
  return new Option("--log-format <format>", meaning).choices(LOG_FORMATS).default("auto", "auto");
}

/** `--log-level`, the same for every command. */
export function logLevelOption(): Option {
  return new Option("--log-level <level>", "least severe level that is logged").choices(LOG_LEVELS).default("info", "info");
}

/** Names that requests to the API may be made to, beside addresses, `localhost` and those of our Service. */
export function apiHostOption(): Option {
  return new Option("--api-host <name>", "further name that the API may be called by, such as a proxy's in front of it; may be given again")
    .argParser((name: string, names: string[] = []) => [...names, parseText(name)])
    .default([]);
}
