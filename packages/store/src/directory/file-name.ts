import { type ObjectRef, shortHash } from "@fenceline/api";

/**
 * Longest name of a file that is written, in bytes. File systems take 255, and while it is written
 * a file has a name that is 18 longer.
 */
const LONGEST = 237;
/** Characters of the object's name that are kept, so that a person recognises it. */
const SHOWN = 120;
/** No name of an object has a `~`, so a shortened name is never another object's own. */
const FILE_NAME = /^([A-Za-z]+)-([^~]+)(~[0-9a-f]{16})?\.yaml$/;

/**
 * The name of an object's file: `ServiceFence-a.yaml`. An object's name may be longer than a file's
 * may be. Then the file has its beginning, and a hash of the whole name.
 */
export function fileName({ kind, name }: Pick<ObjectRef, "kind" | "name">): string {
  const plain = `${kind}-${name}.yaml`;
  if (Buffer.byteLength(plain) <= LONGEST) return plain;
  return `${kind}-${name.slice(0, SHOWN)}~${shortHash(name)}.yaml`;
}

/** What a file's name says of its object. */
export interface NamedFile {
  readonly kind: string;
  /** The beginning of it where {@link NamedFile.isShortened}. */
  readonly name: string;
  readonly isShortened: boolean;
}

/** Reads the name of a file; undefined when it is none of {@link fileName}. */
export function readFileName(file: string): NamedFile | undefined {
  const [, kind, name, hash] = FILE_NAME.exec(file) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind, name, isShortened: hash !== undefined };
}
