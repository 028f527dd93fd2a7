import { ApiRefusal, quoted } from "./refusal.ts";

/** What a request asks for. */
export interface Target {
  /**
   * Segments of the path, decoded: `/api/v1/%66ences` is `["api", "v1", "fences"]`. Dots and empty
   * segments are left as they are, and match nothing.
   */
  readonly path: readonly string[];
  /** Everything behind the first `?`, not looked at yet. */
  readonly query: string;
  /** Host of a target in absolute form, which counts in place of the header (RFC 9112 §3.2.2). */
  readonly host: string | undefined;
}

/** Longest request target in characters. */
const LONGEST = 4_096;
/**
 * `http://host/path`, as clients send it to a proxy, and every server has to take it (RFC 9112
 * §3.2.2).
 */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/** @throws {ApiRefusal} `URI_TOO_LONG`, `PATH_MALFORMED` */
export function parseTarget(url: string): Target {
  if (url.length > LONGEST) throw new ApiRefusal(414, "URI_TOO_LONG", `a request target may have ${LONGEST} characters`);
  const [, host, rest = url] = ABSOLUTE.exec(url) ?? [];
  const mark = rest.indexOf("?");
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return { path: segments(path === "" ? "/" : path), query: mark < 0 ? "" : rest.slice(mark + 1), host };
}

/**
 * Decoded after they were taken apart, so that an encoded slash stays within its segment and can
 * name nothing.
 */
function segments(path: string): string[] {
  try {
    return path.split("/").slice(1).map(decodeURIComponent);
  } catch {
    throw new ApiRefusal(400, "PATH_MALFORMED", `the path ${quoted(path)} has a % without two hexadecimal digits, or is not UTF-8`);
  }
}

/**
 * The parameters of a query, each given at most once.
 *
 * @param known the names that this path takes; another one is a mistake that must not pass for an
 * answer to it
 * @throws {ApiRefusal} `PARAMETER_UNKNOWN`, `PARAMETER_REPEATED`
 */
export function parseQuery<Name extends string>(query: string, known: readonly Name[]): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const match = known.find((candidate) => candidate === name);
    if (match === undefined) {
      const takes = known.length === 0 ? "this path takes none" : `this path takes ${known.join(", ")}`;
      throw new ApiRefusal(400, "PARAMETER_UNKNOWN", `there is no parameter ${quoted(name)}: ${takes}`);
    }
    if (found[match] !== undefined) throw new ApiRefusal(400, "PARAMETER_REPEATED", `the parameter ${match} may be given once`);
    found[match] = value;
  }
  return found;
}
