/** Which of several control planes of Istio is looked after. */
import { z } from "zod";
import { REVISION_LABEL } from "../labels.ts";
import type { Labels } from "../object.ts";

const Name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "not a revision or a tag: lower-case letters, digits and '-' only");

const RevisionsFields = z.strictObject({
  names: z
    .array(Name)
    .max(100)
    .default([])
    .describe(
      `Revisions of Istio, and tags, that are managed: fences with another label ${REVISION_LABEL} are left alone, and no automatic ones are made in namespaces with another one. Default: all. Slime's \`istioRev\`.`,
    ),
  strict: z
    .boolean()
    .default(false)
    .describe(`Whether what has no label ${REVISION_LABEL} is left alone, too. Has no effect without names. Slime's \`strictRev\`.`),
  own: Name.optional().describe(
    `Label ${REVISION_LABEL} of fences that are made automatically, and so of what is rendered for them: the control plane of this revision alone reads it. Older istiods take no tag for it. Default: none, so that every one reads it; with \`strict\` the first of \`names\`. Slime's \`selfResourceRev\`.`,
  ),
});

export const Revisions = RevisionsFields.refine(({ names, own }) => own === undefined || names.length === 0 || names.includes(own), {
  path: ["own"],
  message: "not among revisions.names, so the fences would be left alone",
});
export type Revisions = z.infer<typeof Revisions>;

/** Whether an object with these labels is one that is managed. */
export function isManaged({ names, strict }: Revisions, labels: Labels): boolean {
  const revision = labels[REVISION_LABEL];
  return names.length === 0 || (revision === undefined ? !strict : names.includes(revision));
}

/** The label of what is made by itself; undefined where every control plane is to read it. */
export function ownRevision({ names, strict, own }: Revisions): string | undefined {
  return own ?? (strict ? names[0] : undefined);
}
