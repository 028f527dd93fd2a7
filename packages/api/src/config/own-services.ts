/** Fenceline's own Services, as fenced Envoys reach them. */
import { z } from "zod";
import { ObjectName } from "../object.ts";
import { Re2 } from "../re2.ts";

const Port = z.int().min(1).max(65_535);

const DISPATCH_LABEL = "[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?";
const DISPATCH_NAME = `${DISPATCH_LABEL}(?:\\.${DISPATCH_LABEL})*`;

/** A host as `:authority` spells it. Every port of it is meant, unless one is named. */
const DispatchDomain = z
  .string()
  .max(261)
  .regex(
    new RegExp(`^(?:\\*|(?:\\*[-.]?)?${DISPATCH_NAME}\\.?|${DISPATCH_NAME}[-.]?\\*|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`),
    "not a host: a name such as a.example, *.example or a.*, an address, or * for every host",
  );

const Dispatch = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[!-~](?:[ -~]*[!-~])?$/, "not a name of a route: printable ASCII, with no blank at either end")
      .describe("Name of the route, for Envoy's logs: up to 253 characters."),
    domains: z
      .array(DispatchDomain)
      .default([])
      .describe("Hosts it is for: exact, with `*` at the beginning or the end, or `*` for all that no other route takes."),
    domainRegex: Re2.optional().describe(
      "RE2 expression that must match the whole `:authority`, port included. Up to 1024 characters. A route has this, `domains`, or both.",
    ),
    cluster: z
      .string()
      .min(1)
      .max(512)
      .regex(
        /^[!-~]+$/,
        "not a cluster of Envoy: printable ASCII without blanks, such as PassthroughCluster or outbound|80||b.test1.svc.cluster.local",
      )
      .describe(
        "Envoy cluster to send them to; `_GLOBAL_SIDECAR` is the fallback. In values of the chart it may be a template without blanks: outbound|80||egress.{{.Release.Namespace}}.svc.cluster.local.",
      ),
  })
  // Envoy refuses a listener with an empty expression.
  .refine(({ domains, domainRegex }) => domains.length > 0 || domainRegex !== undefined, {
    path: ["domains"],
    message: "expected a host, or an expression in domainRegex",
  })
  // The same for the chart's schema, which knows no refinements.
  .meta({ anyOf: [{ required: ["domainRegex"] }, { required: ["domains"], properties: { domains: { minItems: 1 } } }] });
export type Dispatch = z.infer<typeof Dispatch>;

export const Fallback = z.strictObject({
  service: ObjectName.default("global-sidecar").describe("Service of the global sidecar, in Fenceline's namespace."),
  serviceAccount: ObjectName.default("global-sidecar").describe("Its service account: only its reports are accepted."),
  port: Port.default(80).describe("Port of that Service to which fenced Envoys send calls to unknown hosts."),
  match: Re2.optional().describe(
    "RE2 expression on the whole `:authority` (port included) of unknown hosts that go to the fallback, up to 1024 characters. Default: names without a dot, two-label names, `*.svc`, `*.svc.<cluster domain>` and IP literals.",
  ),
  dispatches: z
    .array(Dispatch)
    .default([])
    .describe("Routes in front of the fallback, first match wins; those for `*` come last. Slime's field."),
});

export const CollectorService = z.strictObject({
  service: ObjectName.default("fenceline-collector").describe("Service of the collector, in Fenceline's namespace."),
  port: Port.default(18_081).describe("Its port for access logs (gRPC)."),
});
