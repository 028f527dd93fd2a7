import {
  type AnyObject,
  describeObject,
  FencelineError,
  type IgnoredObject,
  InvalidManifests,
  InvalidResource,
  isStopped,
  MANIFEST_KINDS,
  parseManifests,
  printable,
  type ReadKind,
} from "@fenceline/api";
import { type FileState, withStops } from "./file-state.ts";

/** What one look at the folder found of each file. */
export type Found = FoundText | { readonly error: FencelineError };

interface FoundText {
  readonly text: string;
  /** When it was written, in milliseconds of the wall clock. Default: long ago. */
  readonly modifiedAt?: number;
  readonly error?: undefined;
}

/** A change that would remove something, and since when the file has had this content. */
export interface Doubt {
  /** Tells one content from another. */
  readonly print: string;
  readonly since: number;
}

/** What is to be done after a look. */
export interface Decision {
  readonly files: ReadonlyMap<string, FileState>;
  /** Files whose content on disk is not valid, where that is certain. */
  readonly errors: ReadonlyMap<string, FencelineError>;
  readonly doubts: ReadonlyMap<string, Doubt>;
  /** Whether some of them will be decided by time alone. */
  readonly isWaiting: boolean;
  /**
   * What was read of files but is not in force, for the next look. To parse a large invalid file
   * again takes seconds.
   */
  readonly parsed: ReadonlyMap<string, Candidate>;
  /** Parts of files that came into force which are not readable. */
  readonly leftOut: readonly FencelineError[];
  readonly ignored: ReadonlyMap<string, readonly IgnoredObject[]>;
}

/** What a file would be if it came into force. */
export interface Candidate {
  readonly print: string;
  readonly state?: FileState;
  readonly error?: FencelineError;
  readonly leftOut?: readonly FencelineError[];
  readonly ignored?: readonly IgnoredObject[];
}

/**
 * How long a content must stand before we believe that it is invalid, or removes objects, in
 * milliseconds. Editors empty or remove a file before they write it, and half of a list is a valid
 * list. If an object were removed for that moment, what is rendered for it would be too: a fenced
 * workload would see the whole mesh.
 */
export const DOUBT_MS = 2_000;
/**
 * The same for an empty file. A shell empties the file of `helm template > mesh.yaml` before Helm
 * begins, and Helm writes when it has everything, charts from a registry included.
 */
export const EMPTY_DOUBT_MS = 30_000;

/** The kinds that are read from manifests; others are left alone. */
export type ManifestKinds = readonly ReadKind<AnyObject>[];

/**
 * Decides which content comes into force. Each file is taken whole or stays as it was. If two files
 * define one object, the one that changed last stays as it was.
 *
 * @param parsed what the look before gave as {@link Decision.parsed}
 * @param kinds those to read
 */
export function decide(
  before: ReadonlyMap<string, FileState>,
  found: ReadonlyMap<string, Found>,
  doubts: ReadonlyMap<string, Doubt>,
  now: number,
  parsed: ReadonlyMap<string, Candidate> = new Map(),
  kinds: ManifestKinds = MANIFEST_KINDS,
): Decision {
  const candidates = new Map<string, Candidate>();
  const parsedNow = new Map<string, Candidate>();
  const standingNow = new Map<string, Doubt>();
  const doubted = new Set<string>();
  for (const name of [...new Set([...before.keys(), ...found.keys()])].sort()) {
    const known = before.get(name);
    const file = found.get(name);
    const candidate = candidateOf(name, known, file, kinds, parsed.get(name));
    if (isNotInForce(file, known)) parsedNow.set(name, candidate);
    const doubt = takesAway(candidate, known) ? standing(doubts.get(name), candidate, now) : undefined;
    if (doubt !== undefined) standingNow.set(name, doubt);
    const isBelieved = doubt === undefined || now - doubt.since >= doubtOf(file);
    if (!isBelieved) doubted.add(name);
    const chosen = isBelieved ? candidate : known && { print: known.text, state: known };
    if (chosen !== undefined) candidates.set(name, chosen);
  }
  // A fault that is believed stays believed. If it were doubted again, it would be told as
  // corrected, and then as a new one.
  const kept = [...standingNow].filter(([name]) => found.has(name) || doubted.has(name));
  return { ...settle(candidates, before, kinds, doubted), doubts: new Map(kept), isWaiting: doubted.size > 0, parsed: parsedNow };
}

/** How long the content must stand before it is believed, in milliseconds. */
function doubtOf(found: Found | undefined): number {
  return found?.error === undefined && found?.text.trim() === "" ? EMPTY_DOUBT_MS : DOUBT_MS;
}

/**
 * Whether a start should look once more. A file that is empty or invalid and was written just now
 * may be incomplete. Where an object is missing that existed before, any file may be: half of a
 * list is a valid list.
 *
 * @param decision what {@link decideFirst} says of the files
 * @param now milliseconds of the wall clock
 * @param isMissed whether an object that existed before is missing. Default false
 */
export function isUnsettled(
  found: ReadonlyMap<string, Found>,
  { errors }: Pick<Decision, "errors">,
  now: number,
  isMissed = false,
): boolean {
  return [...found].some(([name, file]) => {
    if (file.error !== undefined || !(isMissed || errors.has(name) || file.text.trim() === "")) return false;
    // A time in the future comes from a wrong clock: it counts as now.
    return now - (file.modifiedAt ?? Number.NEGATIVE_INFINITY) < DOUBT_MS;
  });
}

/**
 * Files that are empty at a start, and for how many milliseconds more that is not believed: an
 * object that existed before may be about to be written into one of them. A start does not wait for
 * so long.
 *
 * @param now milliseconds of the wall clock
 */
export function emptyAtStart(found: ReadonlyMap<string, Found>, now: number): ReadonlyMap<string, number> {
  const left = (modifiedAt = Number.NEGATIVE_INFINITY) => Math.min(EMPTY_DOUBT_MS, EMPTY_DOUBT_MS - (now - modifiedAt));
  return new Map(
    [...found].flatMap(([name, file]) => {
      const isEmpty = file.error === undefined && file.text.trim() === "";
      return isEmpty && left(file.modifiedAt) > 0 ? [[name, left(file.modifiedAt)] as const] : [];
    }),
  );
}

/** Whether this text was read and differs from the one in force. */
function isNotInForce(file: Found | undefined, known: FileState | undefined): boolean {
  return file?.error === undefined && file !== undefined && file.text !== known?.text;
}

/** The former doubt where the content is the same, else a new one. */
function standing(doubt: Doubt | undefined, { print }: Candidate, now: number): Doubt {
  return doubt?.print === print ? doubt : { print, since: now };
}

/**
 * As {@link decide} at a start: nothing is in force that could be kept, so everything is believed.
 */
export function decideFirst(found: ReadonlyMap<string, Found>, kinds: ManifestKinds = MANIFEST_KINDS): Decision {
  const candidates = new Map([...found].map(([name, file]) => [name, candidateOf(name, undefined, file, kinds)]));
  return { ...settle(candidates, new Map(), kinds), doubts: new Map(), isWaiting: false, parsed: new Map() };
}

function candidateOf(
  name: string,
  known: FileState | undefined,
  found: Found | undefined,
  kinds: ManifestKinds,
  parsed?: Candidate,
): Candidate {
  if (found === undefined) return { print: "gone" };
  if (found.error !== undefined) return { print: found.error.message, error: found.error };
  const { text } = found;
  if (known?.text === text) return unchanged(known);
  if (parsed?.print === text) return parsed;
  try {
    const { objects, leftOut, ignored } = parseManifests(text, name, kinds, true);
    refuseRepeated(objects, name, kinds);
    return { print: text, state: { text, objects }, leftOut, ignored };
  } catch (error) {
    if (!(error instanceof FencelineError)) throw error;
    return { print: text, error };
  }
}

function unchanged(state: FileState): Candidate {
  return { print: state.text, state: state.written ?? state };
}

/** Whether objects in force would be removed, or a fault be told. */
function takesAway({ state, error }: Candidate, known: FileState | undefined): boolean {
  if (error !== undefined) return true;
  if (known === undefined) return false;
  const names = new Set(state?.objects.map(describeObject));
  return state === undefined || known.objects.some((object) => !names.has(describeObject(object)));
}

/**
 * Takes back changed files until no object is defined twice. What was in force before has no such
 * clash, so this ends.
 *
 * @param doubted files that stay as they were for now. A clash with one of them is no fault yet,
 * since an object may be moving from one file to the other
 */
function settle(
  candidates: Map<string, Candidate>,
  before: ReadonlyMap<string, FileState>,
  kinds: ManifestKinds,
  doubted: ReadonlySet<string> = new Set(),
): Omit<Decision, "doubts" | "isWaiting" | "parsed"> {
  const errors = new Map<string, FencelineError>();
  const takeBack = (name: string, error: FencelineError | undefined) => {
    if (error !== undefined) errors.set(name, error);
    const known = before.get(name);
    if (known === undefined) candidates.delete(name);
    else candidates.set(name, unchanged(known));
  };
  for (const [name, { error }] of candidates) if (error !== undefined) takeBack(name, error);
  const isChanged = (name: string) => candidates.get(name)?.state?.text !== before.get(name)?.text;
  for (let clash = findClash(candidates); clash !== undefined; clash = findClash(candidates)) {
    const { object, first, second } = clash;
    const [loser, winner] = isChanged(second) ? [second, first] : [first, second];
    const stopped = stoppedOf(candidates.get(loser)?.state?.objects ?? [], kinds);
    takeBack(loser, doubted.has(winner) ? undefined : definedTwice(object, loser, winner, stopped));
  }
  const kept = [...candidates].flatMap(([name, { state }]) => (state === undefined ? [] : [[name, state] as const]));
  return {
    files: withStops(new Map(kept), errors, before),
    errors,
    leftOut: [...candidates.values()].flatMap(({ leftOut = [] }) => leftOut),
    ignored: new Map([...candidates].flatMap(([name, { ignored }]) => (ignored === undefined ? [] : [[name, ignored] as const]))),
  };
}

function findClash(candidates: ReadonlyMap<string, Candidate>) {
  const definedIn = new Map<string, string>();
  for (const [second, { state }] of candidates) {
    for (const object of (state?.objects ?? []).map(describeObject)) {
      const first = definedIn.get(object);
      if (first !== undefined) return { object, first, second };
      definedIn.set(object, second);
    }
  }
  return undefined;
}

function refuseRepeated(objects: readonly AnyObject[], file: string, kinds: ManifestKinds): void {
  const names = new Set<string>();
  for (const name of objects.map(describeObject)) {
    if (names.has(name)) throw definedTwice(name, file, file, stoppedOf(objects, kinds));
    names.add(name);
  }
}

function stoppedOf(objects: readonly AnyObject[], kinds: ManifestKinds): readonly AnyObject[] {
  return objects.filter((object) => kinds.some((kind) => kind.name === object.kind && isStopped(kind, object)));
}

function definedTwice(object: string, file: string, other: string, stopped: readonly AnyObject[]): InvalidManifests {
  const fault = new InvalidResource("OBJECT_DEFINED_TWICE", { at: { file, object }, message: `is defined in ${printable(other)} already` });
  return new InvalidManifests(file, [fault], 1, stopped);
}
