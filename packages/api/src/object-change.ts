import { isDeepStrictEqual } from "node:util";

/** One object as it was when it was last told, and as it is now. */
export interface ObjectChange<O> {
  /** Undefined when the object is new. */
  readonly before: O | undefined;
  /** Undefined when the object is gone. */
  readonly after: O | undefined;
  /** Nothing but what this process wrote itself is new. Default false. */
  readonly isOurs?: boolean;
}

/** Objects that come all at once. */
export function allNew<O>(objects: readonly O[] = []): readonly ObjectChange<O>[] {
  return objects.map((after) => ({ before: undefined, after }));
}

/** The object that a change is about: as it is, or as it was where it is gone. */
export function objectOf<O>({ before, after }: ObjectChange<O>): O | undefined {
  return after ?? before;
}

/** Whether nothing but the status of an object is another one. */
export function isOfStatus<O extends { readonly status?: unknown }>({ before, after }: ObjectChange<O>): boolean {
  return before !== undefined && after !== undefined && isDeepStrictEqual({ ...before, status: after.status }, after);
}
