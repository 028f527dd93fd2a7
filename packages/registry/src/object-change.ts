/** One object as it was, and as it is. */
export interface ObjectChange<O> {
  /** Undefined when the object is new. */
  readonly before: O | undefined;
  /** Undefined when the object is gone. */
  readonly after: O | undefined;
}

/** Objects that come all at once. */
export function allNew<O>(objects: readonly O[] = []): readonly ObjectChange<O>[] {
  return objects.map((after) => ({ before: undefined, after }));
}
