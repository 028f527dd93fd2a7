import { z } from "zod";
import { durationMs } from "../duration.ts";
import { durationBetween } from "../duration-field.ts";

const MOST_SERVERS = 8;
const MOST_HANDLERS = 8;

const FilePath = z.string().min(1).max(4_096);

/** What HTTP has place for in a field: printable ASCII. */
const Secret = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[!-~]+$/, "not a token: printable ASCII without blanks");

const Server = z
  .strictObject({
    url: z
      .string()
      .max(2_048)
      .regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, "not an address of a server: http or https, without user, query and fragment")
      .describe("Address, with the path in front of `/api/v1` where there is one, for example http://prometheus.istio-system:9090."),
    bearerToken: Secret.optional().describe("Bearer token. It is stored in a ConfigMap then: prefer a file of a Secret."),
    bearerTokenFile: FilePath.optional().describe("File with the bearer token. A change is read within a second."),
    basicAuth: z
      .strictObject({
        username: z
          .string()
          .min(1)
          .max(1_024)
          .regex(/^[^:]+$/, "a user's name has no ':'")
          .describe("User."),
        password: z.string().max(16_384).optional().describe("Password. It is stored in a ConfigMap then: prefer a file of a Secret."),
        passwordFile: FilePath.optional().describe("File with the password."),
      })
      .optional()
      .describe("User and password (HTTP Basic), where no bearer token is given."),
    tls: z
      .strictObject({
        caFile: FilePath.optional().describe("File with the trusted authorities (PEM). Default: those of Node."),
        certFile: FilePath.optional().describe("File with our own certificate (PEM), for a server that requires one."),
        keyFile: FilePath.optional().describe("File with its key (PEM)."),
        serverName: z.string().min(1).max(253).optional().describe("Name in the server's certificate. Default: the host of `url`."),
      })
      .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
        path: ["keyFile"],
        message: "certFile and keyFile go together",
      })
      .optional()
      .describe("Certificates, for an address of https."),
    headers: z
      .record(
        z.string().regex(/^[A-Za-z0-9-]{1,128}$/, "not the name of a field"),
        z
          .string()
          .max(4_096)
          .regex(/^[ -~]*$/, "not printable ASCII"),
      )
      .optional()
      .describe("Further fields of each request, for example X-Scope-OrgID with the tenant of a Mimir."),
  })
  .refine(
    ({ bearerToken, bearerTokenFile, basicAuth }) =>
      [bearerToken, bearerTokenFile, basicAuth].filter((each) => each !== undefined).length < 2,
    {
      path: ["bearerToken"],
      message: "expected one of bearerToken, bearerTokenFile and basicAuth",
    },
  );

const LabelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/, "not the name of a label of Prometheus");

/** Labels that a proxy writes into its own metrics say what the pod says of itself. */
const ScrapedLabel = LabelName.refine(
  (name) => !/^(?:source|destination)_/.test(name),
  "the pod itself writes this label: name one that the scrape adds",
);

const Handler = z.strictObject({
  query: z.string().min(1).max(8_192).describe("PromQL, in which `$namespace` and `$source_app` stand for the fence's namespace and name."),
  type: z
    .union([z.enum(["Value", "Group"]), z.literal([0, 1])])
    .optional()
    .describe("Slime's field. It has no effect: every series of the answer counts."),
});

const PrometheusFields = z.strictObject({
  servers: z
    .array(Server)
    .max(MOST_SERVERS)
    .default([])
    .describe(
      "Servers of Prometheus, or of anything with its API, that have the metrics of the whole mesh. They are tried in this order: the first answer is used. None: Prometheus is not queried.",
    ),
  interval: durationBetween("100ms", "1h")
    .default("1m")
    .describe("How often the calls of all workloads are queried, in one query. From 100ms to 1h."),
  window: durationBetween("100ms", "24h")
    .default("5m")
    .describe(
      "How far back a query looks for calls. From 100ms to 24h, not shorter than `interval`; it must cover at least two scrapes, or calls are missed. After a pause it looks back over the whole pause, 24h at most.",
    ),
  history: durationBetween("0s", "720h")
    .default("24h")
    .describe(
      "How far back calls are queried for a new fence: it begins with the hosts of that time. 0s: it begins with none. 720h at most, and what Prometheus keeps.",
    ),
  timeout: durationBetween("100ms", "5m").default("30s").describe("Longest wait for the answer of one server. From 100ms to 5m."),
  maxResponseBytes: z
    .int()
    .min(1_024)
    .max(268_435_456)
    .default(16_777_216)
    .describe("Largest answer in bytes; each called edge takes some 350. A larger answer is refused as a whole, and counted."),
  maxConcurrent: z.int().min(1).max(64).default(4).describe("Most queries at a time. Further ones wait."),
  matchers: z
    .record(LabelName, z.string().max(1_024))
    .default({})
    .describe("Labels of the metrics of this mesh, if Prometheus has metrics of several: { cluster: east }."),
  namespaceLabel: ScrapedLabel.optional().describe(
    "Label in which the scrape writes the namespace of the scraped pod, for example `namespace`. A series that names a workload of another namespace is ignored then. Default: every series is trusted, although any scraped pod can name any workload.",
  ),
  handlers: z
    .record(z.string().min(1).max(253), Handler)
    .refine((handlers) => Object.keys(handlers).length <= MOST_HANDLERS, { message: `more than ${MOST_HANDLERS} handlers` })
    .default({})
    .describe(
      "Further queries, each run for every fence at each `interval`: Slime's field. The host in the label `destination_service` or `request_host` of a series that is above 0 counts as called. They cost a query for each fence, and only the one query for all tells how long a workload was observed.",
    ),
});

/** Prometheus as a source of edges, and of the numbers that limits go by. */
export const PrometheusTelemetry = PrometheusFields.refine(({ interval, window }) => durationMs(window) >= durationMs(interval), {
  path: ["window"],
  message: "shorter than telemetry.prometheus.interval",
});
export type PrometheusTelemetry = z.infer<typeof PrometheusTelemetry>;
