import { isIP } from "node:net";
import { FencelineError, formatDuration, parseDuration } from "@fenceline/api/vocabulary";
import { InvalidArgumentError, Option } from "commander";
import { LOG_FORMATS, LOG_LEVELS } from "./logger.ts";

/** Reads a port; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) throw new InvalidArgumentError("A port is a number from 0 to 65535; 0 takes a free one.");
  return port;
}

/** Reads a count, at least 1. */
export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("A whole number from 1.");
  return count;
}

/**
 * Longest duration of a flag, in milliseconds. A timer of Node takes at most 24.8 days; a longer
 * one fires at once.
 */
const LONGEST = 24 * 3_600_000;

/** Limits of a duration, beside a day at most. */
interface DurationBounds {
  /** Shortest, in milliseconds. Default 0: no wait is harmless, and may be wanted. */
  readonly least?: number;
  /** Whether 0 is accepted although it is shorter: it switches the feature off. */
  readonly zero?: boolean;
}

/** Reads a duration such as `25s`, up to a day. Returns milliseconds. */
export function parseDurationFlag(text: string, { least = 0, zero = false }: DurationBounds = {}): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError("A duration is a number and a unit, for example 300ms, 25s or 1m.");
  if (milliseconds > LONGEST) throw new InvalidArgumentError("At most 24h.");
  // `0.4ms` is not meant as zero, although it is rounded to it.
  const isOff = zero && milliseconds === 0 && !/[1-9]/.test(text);
  if (milliseconds < least && !isOff) throw new InvalidArgumentError(`At least ${formatDuration(least)}${zero ? ", or 0s" : ""}.`);
  return milliseconds;
}

/**
 * Reads a name, an address or a path. An empty one comes from an unset variable of a script, and
 * must not become the working directory.
 */
export function parseText(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

const LABEL = "[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?";
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);

/**
 * Reads a host name, without scheme and port. The result is in lower case and without a dot at the
 * end, for comparison with the hosts of requests.
 */
export function parseHostName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, "");
  if (!HOST_NAME.test(name))
    throw new InvalidArgumentError("A host name is labels of letters, digits and '-', with dots between: no scheme, no port.");
  return name;
}

/** Reads the name of a namespace, which is one DNS label. */
function parseNamespace(text: string): string {
  if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError("A namespace is at most 63 lower-case letters, digits and '-'.");
  return text;
}

/** Reads an IP address, of either family. */
export function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError("An IP address, for example 10.1.0.7 or fd00::7.");
  return text;
}

/** Reads a name server: an address, with a port unless it is 53. */
export function parseNameServer(text: string): string {
  const { host, port } = splitPort(text);
  if (isIP(host) === 0 || port === 0)
    throw new InvalidArgumentError("A name server is an address, for example 10.96.0.10, 10.96.0.10:53 or [fd00::a]:53.");
  return text;
}

/** Reads an endpoint: `<host>:<port>`, an IPv6 address in brackets. */
export function parseEndpoint(text: string): string {
  const { host, port } = splitPort(text);
  const isHost = isIP(host) !== 0 || HOST_NAME.test(host.toLowerCase());
  if (!isHost || port === undefined || port === 0)
    throw new InvalidArgumentError("A host and a port, for example fenceline-collector.fenceline:18081 or [::1]:18081.");
  return text;
}

/** The parts of `host:port` or `[address]:port`, both also without a port. An invalid port is 0. */
function splitPort(text: string): { readonly host: string; readonly port: number | undefined } {
  if (isIP(text) === 6) return { host: text, port: undefined };
  const [, bracketed, bare = "", digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text) ?? [];
  const host = bracketed === undefined ? bare : isIP(bracketed) === 6 ? bracketed : "";
  if (digits === undefined) return { host, port: undefined };
  return { host, port: /^\d{1,5}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : 0 };
}

/** Reads a trust domain, as SPIFFE defines it. */
export function parseTrustDomain(text: string): string {
  if (!/^[a-z0-9._-]{1,255}$/.test(text)) throw new InvalidArgumentError("A trust domain is lower-case letters, digits, '.', '-' and '_'.");
  return text;
}

/** A flag that may be repeated. @param shown what the help says about the default */
export function listOption(flags: string, description: string, parse: (text: string) => string, shown = "none"): Option {
  return new Option(flags, `${description}; may be given again`)
    .argParser((text: string, values: readonly string[] = []) => [...values, parse(text)])
    .default([], shown);
}

/**
 * A flag that takes a duration.
 * @param text its default as a user would write it, which the help shows
 */
export function durationOption(flags: string, description: string, text: string, bounds: DurationBounds = {}): Option {
  const parse = (given: string) => parseDurationFlag(given, bounds);
  return new Option(flags, description).argParser(parse).default(parse(text), text);
}

/**
 * `--namespace`, the same for every command in a cluster. The value of the variable is checked like
 * one of the flag, and an error names the variable.
 */
export function namespaceOption(meaning: string): Option {
  return new Option("--namespace <namespace>", meaning).argParser(parseNamespace).env("POD_NAMESPACE").default("fenceline", "fenceline");
}

/**
 * Reads Kubernetes' text of `status.podIPs`: addresses separated by commas. An absent or empty text
 * gives no addresses.
 *
 * @param variable its name, for the message
 * @throws {FencelineError} `ENVIRONMENT_INVALID`
 */
export function addressesIn(variable: string, list: string | undefined): string[] {
  const addresses = (list ?? "").split(",").map((address) => address.trim());
  const given = addresses.length === 1 ? addresses.filter((address) => address !== "") : addresses;
  const wrong = given.find((address) => isIP(address) === 0);
  if (wrong === undefined) return given;
  throw new FencelineError("ENVIRONMENT_INVALID", {
    at: { path: variable },
    message: `'${wrong}' is no IP address`,
    hint: "IP addresses with commas between, as the downward API's status.podIPs gives them",
  });
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

/**
 * `--api-host`: host names that requests to the API may have, beside addresses, `localhost` and the
 * names of our Service.
 */
export function apiHostOption(): Option {
  return listOption("--api-host <name>", "further host name of the API, such as that of a proxy in front of it", parseHostName);
}
