import { type AnyObject, describeObject, type FencelineError, InvalidManifests } from "@fenceline/api";

/** A file that is in force. */
export interface FileState {
  readonly text: string;
  readonly objects: readonly AnyObject[];
  /** As it was written, where an emergency stop beside it counts for an object of it. */
  readonly written?: FileState;
}

/**
 * The files in force, with those objects off that a file at fault switches off. Nothing else of
 * such a file is taken: the emergency stop must not wait until somebody mends what is beside it.
 *
 * @param errors of files that are at fault
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

/** Of a file that is doubted what was in force stays, its stops included. */
function withStopped(state: FileState, stopped: ReadonlyMap<string, AnyObject>, known: FileState | undefined): FileState {
  if (state.written !== undefined) return state;
  const objects = state.objects.map((object) => stopped.get(describeObject(object)) ?? object);
  if (objects.every((object, index) => object === state.objects[index])) return state;
  // The same as before costs nobody a look.
  const isSame = known?.written === state && objects.every((object, index) => object === known.objects[index]);
  return isSame ? known : { ...state, objects, written: state };
}
