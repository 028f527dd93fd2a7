import { Config, type FenceKey, FencelineError, formatFenceKey, parseFenceKey } from "@fenceline/api";
import { type ReportRequest, type ReportView, reportOfManifests } from "@fenceline/collector";
import { answerOf, collectorAt, listOf } from "../collector-api.ts";
import { objectsOfFolder } from "../exchange/sources.ts";
import { printedJson } from "../printed-text.ts";
import { fenceText, tableText } from "./text.ts";

interface ReportSettings {
  /** API of a collector. Default: the folder is read. */
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly dir: string;
  /** `<namespace>/<name>` */
  readonly fence?: string | undefined;
  /** Whether hosts that the fence hides are named. */
  readonly hidden: boolean;
  readonly namespace?: string | undefined;
  readonly format: "table" | "json";
  readonly out: { write(text: string): unknown };
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * Prints reports.
 *
 * @throws {FencelineError} `FENCE_UNKNOWN`, `COLLECTOR_UNAVAILABLE`, and what a folder has wrong
 */
export async function report({ url, tokenFile, dir, fence: name, format, out, ...wanted }: ReportSettings): Promise<void> {
  const fence = name === undefined ? undefined : keyOf(name);
  const request = { fence, ...wanted };
  const reports = url === undefined ? await ofFolder(dir, request) : await ofCollector(url, tokenFile, request);
  if (format === "json") out.write(printedJson({ reports }));
  else out.write(`${fence === undefined ? tableText(reports) : reports.map(fenceText).join("\n")}\n`);
}

async function ofFolder(folder: string, request: ReportRequest): Promise<readonly ReportView[]> {
  const reports = reportOfManifests(await objectsOfFolder(folder), Config.parse({}), request);
  if (request.fence !== undefined && reports.length === 0) throw unknown(formatFenceKey(request.fence), `there is none in ${folder}`);
  return reports;
}

async function ofCollector(url: string, tokenFile: string | undefined, request: ReportRequest): Promise<readonly ReportView[]> {
  const { fence, hidden, namespace } = request;
  const api = await collectorAt(url, tokenFile);
  if (fence === undefined) return listOf(api, "/api/v1/report", "reports", namespace === undefined ? {} : { namespace });
  const answer = await answerOf(api, `/api/v1/report/${formatFenceKey(fence)}`, { hidden: String(hidden) });
  return [answer as unknown as ReportView];
}

function keyOf(name: string): FenceKey {
  const key = parseFenceKey(name);
  if (key === undefined) throw unknown(name, "a fence is named by its namespace and its name: shop/web");
  return key;
}

function unknown(name: string, message: string): FencelineError {
  return new FencelineError("FENCE_UNKNOWN", { at: { object: `ServiceFence ${name}` }, message });
}
