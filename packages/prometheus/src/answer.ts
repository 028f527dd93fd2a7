import { isJsonObject, type JsonObject } from "@fenceline/api";
import { failureOfStatus, PrometheusError, type PrometheusFailure } from "./prometheus-error.ts";

/** One series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** `NaN` and infinite where Prometheus says so. */
  readonly value: number;
  /** Milliseconds of the server's clock: when the query was evaluated. */
  readonly at: number;
}

/** What a query gives. */
export interface QueryAnswer {
  /** Series with a number each; one without labels where the query gives a scalar. */
  readonly samples: readonly Sample[];
  /** What the server says of an answer that may be partial, in its own words. */
  readonly warnings: readonly string[];
  /** Who answered. */
  readonly server: string;
}

/** An answer of HTTP, read whole. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  readonly server: string;
}

/** Warnings that are kept of an answer: there is one for each store that did not answer. */
const MOST_WARNINGS = 20;

/**
 * Reads an answer of `/api/v1/query`.
 *
 * @throws {PrometheusError} when it is none, or says what is wrong
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

/** Values of `errorType` that say more than the status does. */
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
  // A native histogram has no `value`, and no number either.
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

/** Numbers are texts in JSON, since it has no NaN and no infinity. */
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
