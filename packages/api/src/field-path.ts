import { type Document, isMap, type LineCounter } from "yaml";
import type { z } from "zod";
import { printable } from "./foreign-text.ts";
import { describeFound } from "./schema-words.ts";

/** Keys and indexes from the top of a document down to a field. */
export type FieldPath = readonly PropertyKey[];

/** The line of a field, counted from 1, or that of its nearest parent that stands in the text. */
export function lineOfField(document: Document, lines: LineCounter, path: FieldPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetOfField(document, path.slice(0, length));
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return lines.linePos(document.range?.[0] ?? 0).line;
}

/** `spec.host['b..svc'].stable`, `items[2].metadata.name` */
export function formatPath(path: FieldPath): string {
  return path
    .map((part) =>
      typeof part === "number" ? `[${part}]` : /^[A-Za-z_]\w*$/.test(String(part)) ? `.${String(part)}` : `['${printable(String(part))}']`,
    )
    .join("")
    .replace(/^\./, "");
}

/** Something wrong in a field: what is expected of it, and what was found. */
export interface Fault {
  readonly field: FieldPath;
  readonly message: string;
  /** Whether there is no such field, whatever stands in it. */
  readonly isUnknown?: boolean;
}

/**
 * Every fault that a schema found in a value, each at the field itself where zod names the object
 * around it: one for each field that there is none of. Of several faults of one field the first is
 * told, as the others follow from it.
 */
export function faultsOf({ issues }: z.ZodError, value: unknown): readonly Fault[] {
  const faults = issues.flatMap((issue): readonly Fault[] => {
    if (issue.code === "unrecognized_keys") {
      const messages = issue.message.split("\n");
      return issue.keys.map((key, at) => ({ field: [...issue.path, key], message: messages[at] ?? "", isUnknown: true }));
    }
    if (issue.code === "invalid_key") return [{ field: issue.path, message: issue.issues[0]?.message ?? issue.message }];
    return [{ field: issue.path, message: `${issue.message}, found ${describeFound(issue.path.reduce<unknown>(fieldOf, value))}` }];
  });
  const seen = new Set<string>();
  return faults.filter(({ field }) => seen.size !== seen.add(formatPath(field)).size);
}

function fieldOf(value: unknown, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
}

/**
 * Where the key of a field starts: for a map that is the line a person looks for, also when the
 * value is far below it.
 */
function offsetOfField(document: Document, path: FieldPath): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => String(key) === String(last));
    return (pair?.key as { range?: [number, number, number] } | null | undefined)?.range?.[0];
  }
  return (document.getIn(path, true) as { range?: [number, number, number] } | undefined)?.range?.[0];
}
