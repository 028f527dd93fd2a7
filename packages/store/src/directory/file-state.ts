import { type AnyObject, describeObject, type FencelineError, InvalidManifests } from "@fenceline/api";

/** A file that is in force. */
export interface FileState {
  readonly text: string;
  readonly objects: readonly AnyObject[];
  /** As it was written, where an emergency stop in another file changed an object of it. */
  readonly written?: FileState;
}

/**
 * The files in force, with those objects switched off for which an invalid file says so. Nothing
 * else of an invalid file is taken. The emergency stop must not wait until somebody corrects the
 * rest of the file.
 *
 * @param errors of files that are not valid
 * @param before the files that were in force
 */
export function withStops(
  files: ReadonlyMap<string, FileState>,
  errors: ReadonlyMap<string, FencelineError>,
  before: ReadonlyMap<string, FileState>,
): ReadonlyMap<string, FileState> {
  const all = [...errors.values()].flatMap((error) => (error instanceof InvalidManifests ? error.stopped : []));
  if (all.length === 0) return files;
  const stopped = new Map(all.map((object) => [describeObject(object), object]));
  return new Map([...files].map(([name, state]) => [name, withStopped(state, stopped, before.get(name))]));
}

/** While a file is doubted, what was in force stays, with its stops. */
function withStopped(state: FileState, stopped: ReadonlyMap<string, AnyObject>, known: FileState | undefined): FileState {
  if (state.written !== undefined) return state;
  const objects = state.objects.map((object) => stopped.get(describeObject(object)) ?? object);
  if (objects.every((object, index) => object === state.objects[index])) return state;
  // If nothing changed, the same value is returned, so that nobody looks at it.
  const isSame = known?.written === state && objects.every((object, index) => object === known.objects[index]);
  return isSame ? known : { ...state, objects, written: state };
}
