import { printable } from "@fenceline/api";
import type { ReportView } from "@fenceline/collector";

const COLUMNS = ["FENCE", "MODE", "VERDICT", "SHOWS", "HIDES", "CLUSTERS", "ENDPOINTS", "LISTENERS", "MB", "WHY"] as const;
const MB = 1_000_000;

/** A line for each fence. */
export function tableText(reports: readonly ReportView[]): string {
  const rows = [COLUMNS, ...reports.map(rowOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return linesText(lines.map((line) => line.trimEnd()));
}

function rowOf({ fence, mode, verdict, shows, hides, saves, reasons }: ReportView): readonly string[] {
  const { clusters, endpoints, listeners } = saves;
  const why = reasons.map((reason) => reason.split(":", 1)[0]).join(", ");
  return [fence, mode, verdict, ...[shows.count, hides.count, clusters, endpoints, listeners].map(String), megabytes(saves.bytes), why];
}

/** The whole report of one fence. Hosts are listed by name if they are in the report. */
export function fenceText({ fence, mode, verdict, reasons, shows, hides, saves, risks, observed }: ReportView): string {
  const { clusters, endpoints, listeners, bytes, bytesError } = saves;
  const told = risks.filter(({ against }) => against === undefined);
  return linesText([
    `${fence}: mode ${mode}, verdict ${verdict}`,
    ...reasons.map((reason) => `  ${reason}`),
    `observed for ${observed.seconds} s; longest period between calls to a host, as far as known: ${observed.longestPeriodSeconds} s`,
    `saves in each Envoy: ${clusters} clusters, ${endpoints} endpoints, ${listeners} listeners, about ${megabytes(bytes)} MB (± ${percent(bytesError)} where that was measured)`,
    ...told.flatMap(({ reason, message, count, hosts = [] }) => [`${reason} (${count}): ${message}`, ...hosts.map((host) => `  ${host}`)]),
    `shows ${shows.count} hosts, hides ${hides.count}${hides.hosts === undefined ? "" : ":"}`,
    ...(hides.hosts ?? []).map((host) => `  ${host}`),
  ]);
}

/** Names and messages come from others, and must not add lines of their own. */
function linesText(lines: readonly string[]): string {
  return lines.map(printable).join("\n");
}

function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
