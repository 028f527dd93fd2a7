/**
 * One more kind that lives in tests only, with what the kinds of Slime need: two groups, two
 * versions of one of them, either spelling of a field, an older name, settings of others, enums and
 * numbers of protobuf, lists that server-side apply merges, and a status with conditions.
 */
import { z } from "zod";
import { type Condition, conditionPath, conditionSchema, readConditions } from "../kinds/condition.ts";
import { alsoNamed, eitherSpelling } from "../kinds/field-names.ts";
import { integerOrText, Struct, text, untyped, wordOrNumber } from "../kinds/fields.ts";
import { asSet, keyedBy } from "../kinds/keyed-lists.ts";
import type { OwnKind, StatusReading } from "../kinds/kind.ts";
import { LeftOut } from "../kinds/left-out.ts";
import { normalizer } from "../kinds/normalize.ts";
import { Labels, ObjectMeta } from "../object.ts";

const LISTENERS = ["Outbound", "Inbound", "Gateway"] as const;

const Interval = z.strictObject({
  seconds: integerOrText(10).optional().describe("Whole seconds."),
  nanos: z.int().min(0).max(999_999_999).optional().describe("The rest of a second."),
});

const Stage = z.strictObject(
  eitherSpelling({
    name: text({ min: 1, max: 63, pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/ }).describe("Tells the stage from others."),
    fillInterval: Interval.describe("How long the quota lasts."),
    quota: text({ min: 1, max: 1_024 }).default("1").describe("How much passes in an interval."),
    listenerType: wordOrNumber(LISTENERS).default("Outbound").describe("Where it stands."),
    settings: Struct.optional().describe("Handed on as it is."),
    rawPatch: untyped().optional().describe("Merged into what is rendered."),
    share: z.number().gt(0).lte(1).optional().describe("Part of all calls."),
  }),
);

export const PumpSpec = z.strictObject(
  eitherSpelling({
    workloadLabels: Labels.default({}).describe("Labels of the pods that it is for."),
    stages: keyedBy(z.array(Stage).min(1).max(20), "name").describe("In the order in which they are run."),
    hosts: asSet(z.array(text({ max: 253 })).max(20))
      .default([])
      .describe("Hosts that it is for."),
    pressure: z.int().min(1).max(100).meta(alsoNamed("bar")).describe("`bar` in v1beta1."),
  }),
);

const PUMP_CONDITION_TYPES = ["Accepted", "Rendered"] as const;
type PumpCondition = Condition<(typeof PUMP_CONDITION_TYPES)[number]>;
const TYPES: ReadonlySet<PumpCondition["type"]> = new Set(PUMP_CONDITION_TYPES);

const PumpStatus = z.object({
  observedGeneration: z.int().min(0).optional().describe("The generation that the status is about."),
  running: z.int().min(0).optional().describe("Stages that run."),
  since: z.iso.datetime().optional().describe("Since when all of them do."),
  conditions: z.array(conditionSchema(PUMP_CONDITION_TYPES)).optional().describe("What is true of the pump."),
});
export type PumpStatus = z.infer<typeof PumpStatus>;

const Pump = z.object({
  apiVersion: z.enum(["test.fenceline.io/v1", "test.fenceline.io/v1beta1", "old.fenceline.io/v1beta1"]),
  kind: z.literal("Pump"),
  metadata: ObjectMeta,
  spec: PumpSpec,
  status: z
    .unknown()
    .optional()
    .transform((status) => readPumpStatus(status).status),
});
export type Pump = z.infer<typeof Pump>;

/** Its line in the table of kinds. */
export const PUMP: OwnKind<Pump, PumpStatus, "Pump"> = {
  name: "Pump",
  plural: "pumps",
  singular: "pump",
  shortNames: ["pmp"],
  apiVersions: Pump.shape.apiVersion.options,
  isNamespaced: true,
  schema: Pump,
  spec: PumpSpec,
  status: PumpStatus,
  columns: [
    { name: "Running", type: "integer", jsonPath: ".status.running", description: "Stages that run." },
    { name: "Rendered", type: "string", jsonPath: conditionPath("Rendered"), description: "Whether it is in effect." },
    { name: "Since", type: "date", jsonPath: ".status.since", description: "Since when it is.", priority: 1 },
  ],
  faultCondition: "Accepted",
  description: { kind: "Stages, one behind the other.", spec: "What its author says.", status: "What runs." },
  errorPrefix: "PUMP",
  normalize: normalizer(PumpSpec),
  readStatus: readPumpStatus,
};

function readPumpStatus(value: unknown, _previous?: PumpStatus, most = Number.POSITIVE_INFINITY): StatusReading<PumpStatus> {
  const leftOut = new LeftOut();
  const { conditions: list, ...fields } = (value ?? {}) as { readonly conditions?: unknown };
  const { success, data } = PumpStatus.omit({ conditions: true }).safeParse(fields);
  if (!success) leftOut.add(["status"]);
  const conditions = readConditions(list, { types: TYPES, most, leaveOut: (path, count) => leftOut.add(path, count) });
  return { status: { ...data, ...(conditions && { conditions }) }, ...leftOut.reading() };
}
