/**
 * A second kind of ours that lives in tests only: its schema, its line for the table of kinds, and
 * its renderer. What cannot deal with it has a fence written into it (docs/adding-a-kind.md).
 */
import { z } from "zod";
import { text } from "../kinds/fields.ts";
import type { RenderedKind, RenderedObject, Sidecar } from "../kinds/istio.ts";
import type { OwnKind } from "../kinds/kind.ts";
import { validations } from "../kinds/structural-schema.ts";
import { ObjectMeta } from "../object.ts";
import { renderedMeta } from "../rendered-meta.ts";

const ValveSpec = z
  .strictObject({
    app: text({ min: 1, max: 63 }).describe("Label `app` of the pods that see these hosts only."),
    hosts: z
      .array(text({ max: 253 }))
      .min(1)
      .max(100)
      .describe("Hosts that they see."),
    most: z.int().min(1).max(100).default(100).describe("Most hosts that are shown."),
  })
  .meta(validations({ rule: "!has(self.most) || size(self.hosts) <= self.most", message: "more hosts than `most` says" }));

const ValveStatus = z.object({ shown: z.int().min(0).optional().describe("Hosts that are shown.") });
export type ValveStatus = z.infer<typeof ValveStatus>;

const Valve = z.object({
  apiVersion: z.enum(["test.fenceline.io/v1"]),
  kind: z.literal("Valve"),
  metadata: ObjectMeta,
  spec: ValveSpec,
  status: z
    .unknown()
    .optional()
    .transform((status) => readValveStatus(status).status),
});
export type Valve = z.infer<typeof Valve>;

/** Its line in the table of kinds. */
export const VALVE: OwnKind<Valve, ValveStatus, "Valve"> = {
  name: "Valve",
  plural: "valves",
  singular: "valve",
  shortNames: ["vlv"],
  apiVersions: ["test.fenceline.io/v1"],
  isNamespaced: true,
  schema: Valve,
  spec: ValveSpec,
  status: ValveStatus,
  columns: [{ name: "Shown", type: "string", jsonPath: ".status.shown", description: "Hosts that are shown." }],
  description: { kind: "A few hosts, and nothing else.", spec: "What its author says.", status: "What is shown." },
  errorPrefix: "VALVE",
  readStatus: readValveStatus,
};

function readValveStatus(value: unknown): { readonly status: ValveStatus; readonly leftOut: readonly string[] } {
  const { success, data } = ValveStatus.safeParse(value ?? {});
  return success ? { status: data, leftOut: [] } : { status: {}, leftOut: ["status"] };
}

/**
 * Its renderer. The name has the kind in it, so that a fence of the same name has its own Sidecar.
 */
export function renderValve(valve: Valve): Sidecar {
  const { metadata, spec } = valve;
  const hosts = spec.hosts.slice(0, spec.most).map((host) => `*/${host}`);
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: renderedMeta(valve, `valve-${metadata.name}`),
    spec: { workloadSelector: { labels: { app: spec.app } }, egress: [{ hosts }] },
  };
}

/** One more kind to render, that lives in tests only: its line in the table of rendered kinds. */
export const PIPE: RenderedKind = {
  name: "Pipe",
  plural: "pipes",
  apiVersions: ["test.fenceline.io/v1"],
  isNamespaced: true,
  comesWith: "the plumbing",
  isContested: false,
  lists: ["parts"],
};

/** An object of it. It is none of the union of what is rendered, since it lives here only. */
export function renderPipe(valve: Valve): RenderedObject {
  const metadata = renderedMeta(valve, `valve-${valve.metadata.name}`);
  const pipe = { apiVersion: "test.fenceline.io/v1", kind: PIPE.name, metadata, spec: { parts: [{ size: 1 }] } };
  return pipe as unknown as RenderedObject;
}
