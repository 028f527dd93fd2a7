/**
 * What the API server accepts as a name, a key or a value. It would refuse anything else after half
 * of a release was installed, so the values' schema refuses it before.
 */
import { z } from "zod";

const QUALIFIED = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/**
 * Key of a label, an annotation, a taint: an optional DNS prefix and a name of up to 63 characters.
 */
export const Key = z.string().regex(QUALIFIED, "not a label's key").meta({ id: "Key" });
export const LabelValue = z
  .string()
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, "not a label's value")
  .meta({ id: "LabelValue" });
export const Labels = z.record(Key, LabelValue);
export const Annotations = z.record(Key, z.string());

/** Name of most objects (RFC 1123 subdomain). */
export const ObjectName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "not the name of an object")
  .meta({ id: "ObjectName" });
/** Name of a volume or a namespace (RFC 1123 label). */
export const ShortName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "not a DNS label")
  .meta({ id: "ShortName" });

/** An amount such as 200m, 1.5, 128Mi or 1e3. It must not be negative. */
export const Quantity = z
  .union([
    z.number().min(0),
    z.string().regex(/^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$/, "not a quantity"),
  ])
  .meta({ id: "Quantity" });

export const LabelSelector = z
  .strictObject({
    matchLabels: Labels.optional(),
    matchExpressions: z
      .array(
        z.union([
          z.strictObject({ key: Key, operator: z.enum(["In", "NotIn"]), values: z.array(LabelValue).min(1) }),
          z.strictObject({ key: Key, operator: z.enum(["Exists", "DoesNotExist"]), values: z.array(LabelValue).max(0).optional() }),
        ]),
      )
      .optional(),
  })
  .meta({ id: "LabelSelector" });
