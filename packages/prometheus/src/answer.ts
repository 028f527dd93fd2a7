import { isJsonObject, type JsonObject } from "@fenceline/api";
import { failureOfStatus, PrometheusError, type PrometheusFailure } from "./prometheus-error.ts";

/** One series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** May be `NaN` or infinite. */
  readonly value: number;
  /** When the query was evaluated, in milliseconds of the server's clock. */
  readonly at: number;
}

/** The result of a query. */
export interface QueryAnswer {
  /** Series with a number each; a single one without labels if the result is a scalar. */
  readonly samples: readonly Sample[];
  /** The server's own warnings, for example that the answer may be partial. */
  readonly warnings: readonly string[];
  /** The server that answered. */
  readonly server: string;
}

/** A complete HTTP answer. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  readonly server: string;
}

/** Most warnings that are kept of an answer: there is one for each store that did not answer. */
const MOST_WARNINGS = 20;

/**
 * Reads an answer of `/api/v1/query`.
 *
 * @throws {PrometheusError} when it is not such an answer, or is an error
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function readAnswer({ status, text, server }: RawAnswer): QueryAnswer {
  const body = parsed(text);
  if (status !== 200 || body?.status !== "success") throw refusal({ status, text, server }, body);
  const { data, warnings } = body;
  const samples = isJsonObject(data) ? samplesOf(data) : undefined;
  if (samples === undefined)
    throw new PrometheusError({ failure: "invalid", server, message: "its answer is neither a vector nor a scalar" });
  const told = Array.isArray(warnings) ? warnings.filter((warning) => typeof warning === "string") : [];
  return { samples, warnings: told.slice(0, MOST_WARNINGS), server };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Values of `errorType` that say more than the status. */
const ERROR_TYPES: Readonly<Record<string, PrometheusFailure>> = {
  timeout: "timeout",
  canceled: "timeout",
  bad_data: "bad_data",
  execution: "execution",
};

function refusal({ status, text, server }: RawAnswer, body: JsonObject | undefined): PrometheusError {
  const { errorType, error } = body ?? {};
  const said = typeof error === "string" ? error : text.trim();
  if (status === 200) return new PrometheusError({ failure: "invalid", server, message: `not an answer of Prometheus: ${said}` });
  const typed = typeof errorType === "string" && Object.hasOwn(ERROR_TYPES, errorType) ? ERROR_TYPES[errorType] : undefined;
  const message = `status ${status}${said === "" ? "" : `: ${said}`}`;
  return new PrometheusError({ failure: typed ?? failureOfStatus(status), server, message });
}

function samplesOf({ resultType, result }: JsonObject): readonly Sample[] | undefined {
  if (!Array.isArray(result)) return undefined;
  if (resultType === "scalar") return oneOf(sampleOf({}, result));
  // A native histogram has no `value`, so there is no number.
  if (resultType === "vector") return result.flatMap((series: unknown) => (isJsonObject(series) ? (seriesOf(series) ?? []) : []));
  return undefined;
}

function seriesOf({ metric, value }: JsonObject): Sample | undefined {
  return isLabels(metric) && Array.isArray(value) ? sampleOf(metric, value) : undefined;
}

function sampleOf(labels: Readonly<Record<string, string>>, [seconds, text]: readonly unknown[]): Sample | undefined {
  const value = typeof text === "string" ? numberOf(text) : undefined;
  return typeof seconds !== "number" || value === undefined ? undefined : { labels, value, at: seconds * 1_000 };
}

/** Numbers are strings in this JSON, since JSON has no NaN and no infinity. */
function numberOf(text: string): number | undefined {
  switch (text) {
    case "NaN":
      return Number.NaN;
    case "+Inf":
    case "Inf":
      return Number.POSITIVE_INFINITY;
    case "-Inf":
      return Number.NEGATIVE_INFINITY;
    default:
      return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
  }
}

function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((label) => typeof label === "string");
}

function oneOf(sample: Sample | undefined): readonly Sample[] | undefined {
  return sample === undefined ? undefined : [sample];
}
