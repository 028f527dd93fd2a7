import { ApiRefusal, quoted } from "./refusal.ts";

/** The target of a request. */
export interface Target {
  /**
   * Decoded segments of the path: `/api/v1/%66ences` is `["api", "v1", "fences"]`. Dots and empty
   * segments stay as they are, and match nothing.
   */
  readonly path: readonly string[];
  /** Everything after the first `?`, not parsed yet. */
  readonly query: string;
  /** Host of a target in absolute form, which counts instead of the header (RFC 9112 §3.2.2). */
  readonly host: string | undefined;
}

/** Longest request target in characters. */
const LONGEST = 4_096;
/**
 * `http://host/path`, as clients send it to a proxy. Every server has to accept it (RFC 9112
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
 * Segments are decoded after the path is split, so that an encoded slash stays within its segment.
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
 * @param known names of the path's parameters. Any other is refused: if it were ignored, the answer
 * would look as if it applied
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
