import { FencelineError, isJsonObject, type JsonObject } from "@fenceline/api";
import { request } from "undici";
import { inputText } from "./input-text.ts";

/** The API of a running collector. */
export interface CollectorApi {
  /** `http://localhost:18082` */
  readonly url: string;
  readonly token: string | undefined;
}

/**
 * @param tokenFile file with the token, `-` for the standard input. Default: no token
 * @throws {FencelineError} `FILE_UNREADABLE`
 */
export async function collectorAt(url: string, tokenFile: string | undefined): Promise<CollectorApi> {
  return { url: url.replace(/\/$/, ""), token: tokenFile === undefined ? undefined : (await inputText(tokenFile)).text.trim() };
}

/**
 * All items of a list, read page by page.
 *
 * @param name of the list in its answers
 * @throws {FencelineError} `COLLECTOR_UNAVAILABLE`, with what it answers
 */
export async function listOf<T>(
  api: CollectorApi,
  path: string,
  name: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let next: unknown;
  do {
    const page = await answerOf(api, path, { ...query, limit: "1000", ...(typeof next === "string" && { continue: next }) });
    if (!Array.isArray(page[name])) throw unavailable(`${api.url}${path}`, `answers without ${name}`);
    items.push(...(page[name] as readonly T[]));
    next = page.continue;
  } while (next !== undefined);
  return items;
}

/**
 * The answer of a path.
 *
 * @throws {FencelineError} `COLLECTOR_UNAVAILABLE`, with what it answers
 */
export async function answerOf(
  { url, token }: CollectorApi,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<JsonObject> {
  const asked = `${url}${path}`;
  try {
    const { statusCode, body } = await request(asked, { query, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    const text = await body.text();
    const answer: unknown = statusCode === 200 ? JSON.parse(text) : undefined;
    if (!isJsonObject(answer)) throw unavailable(asked, `answers ${statusCode}: ${text.trim().slice(0, 500)}`);
    return answer;
  } catch (error) {
    if (error instanceof FencelineError) throw error;
    throw unavailable(asked, error instanceof Error ? error.message : String(error), error);
  }
}

function unavailable(path: string, message: string, cause?: unknown): FencelineError {
  return new FencelineError("COLLECTOR_UNAVAILABLE", { at: { path }, message, cause });
}
