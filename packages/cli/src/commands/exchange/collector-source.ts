import { FencelineError, isJsonObject } from "@fenceline/api";
import type { Exported } from "@fenceline/collector";
import { request } from "undici";

/** A running collector, and what is asked of it. */
export interface CollectorSource {
  /** Where its API is: `http://localhost:18082`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly format: string;
  readonly namespace: string | undefined;
  readonly times: boolean;
}

/**
 * Everything that a collector exports, page by page.
 *
 * @throws {FencelineError} `COLLECTOR_UNAVAILABLE`, with what it answers
 */
export async function exportOfCollector({ url, token, format, namespace, times }: CollectorSource): Promise<readonly Exported[]> {
  const objects: Exported[] = [];
  let next: string | undefined;
  do {
    const query = { format, times: String(times), limit: "1000", ...(namespace && { namespace }), ...(next && { continue: next }) };
    const page = await answerOf(`${url.replace(/\/$/, "")}/api/v1/export`, query, token);
    objects.push(...page.objects);
    next = page.continue;
  } while (next !== undefined);
  return objects;
}

interface Page {
  readonly objects: readonly Exported[];
  readonly continue?: string;
}

async function answerOf(url: string, query: Readonly<Record<string, string>>, token: string | undefined): Promise<Page> {
  const fail = (message: string, cause?: unknown) => new FencelineError("COLLECTOR_UNAVAILABLE", { at: { path: url }, message, cause });
  try {
    const { statusCode, body } = await request(url, { query, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    const text = await body.text();
    const answer: unknown = statusCode === 200 ? JSON.parse(text) : undefined;
    if (!isJsonObject(answer) || !Array.isArray(answer.objects)) throw fail(`answers ${statusCode}: ${text.trim().slice(0, 500)}`);
    return answer as unknown as Page;
  } catch (error) {
    if (error instanceof FencelineError) throw error;
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
}
