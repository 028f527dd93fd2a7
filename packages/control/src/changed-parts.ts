import { isDeepStrictEqual } from "node:util";
import { RENDERED_KINDS, type RenderedObject, type RenderedParts } from "@fenceline/api";
import type { Change } from "@fenceline/store";

/** Parts that a log line names. The others are counted. */
const NAMED = 20;

/**
 * What the log line of a write says of it: which parts of the object came, went and changed, as the
 * table of rendered kinds has them. An object may have thousands, so only so many are named.
 */
export function changedParts(change: Change): Readonly<Record<string, unknown>> {
  const [before, after] = sidesOf(change);
  const object = after ?? before;
  const { parts = [] } = RENDERED_KINDS.find(({ name }) => name === object?.kind) ?? {};
  return Object.assign({}, ...parts.map((each) => difference(each, before, after)));
}

/** Both undefined where nobody told what was there. */
function sidesOf(change: Change): readonly [before: RenderedObject | undefined, after: RenderedObject | undefined] {
  if (change.action === "create") return [undefined, change.object];
  if (change.action === "delete") return [change.before, undefined];
  return change.before === undefined ? [undefined, undefined] : [change.before, change.object];
}

function difference(
  { came, went, of }: RenderedParts,
  before: RenderedObject | undefined,
  after: RenderedObject | undefined,
): Readonly<Record<string, unknown>> {
  const [had, has] = [before, after].map((object) => (object === undefined ? new Map<string, unknown>() : of(object)));
  if (had === undefined || has === undefined) return {};
  const names = [...has.keys()];
  const isChanged = (name: string) => had.has(name) && !isDeepStrictEqual(had.get(name), has.get(name));
  return {
    ...listed(
      came,
      names.filter((name) => !had.has(name)),
    ),
    ...listed(
      went,
      [...had.keys()].filter((name) => !has.has(name)),
    ),
    ...listed("changed", names.filter(isChanged)),
  };
}

function listed(field: string, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (names.length === 0) return {};
  return { [field]: names.slice(0, NAMED), ...(names.length > NAMED && { [`${field}More`]: names.length - NAMED }) };
}
