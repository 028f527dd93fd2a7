import { type ObjectRef, shortHash } from "@fenceline/api";

/**
 * Longest name of a file that is written, in bytes. File systems take 255, and the name while it is
 * being written is 18 longer.
 */
const LONGEST = 237;
/** Characters of the object's name that are kept, so that a person recognises it. */
const SHOWN = 120;
/** No object's name has a `~`, so a shortened name never equals the full name of another object. */
const FILE_NAME = /^([A-Za-z]+)-([^~]+)(~[0-9a-f]{16})?\.yaml$/;

/**
 * The name of an object's file: `ServiceFence-a.yaml`. An object's name may be longer than a file
 * name may be. Then the file name has its beginning and a hash of the whole.
 */
export function fileName({ kind, name }: Pick<ObjectRef, "kind" | "name">): string {
  const plain = `${kind}-${name}.yaml`;
  if (Buffer.byteLength(plain) <= LONGEST) return plain;
  return `${kind}-${name.slice(0, SHOWN)}~${shortHash(name)}.yaml`;
}

/** What the name of a file tells about its object. */
export interface NamedFile {
  readonly kind: string;
  /** Only its beginning where {@link NamedFile.isShortened}. */
  readonly name: string;
  readonly isShortened: boolean;
}

/** Reads the name of a file; undefined when {@link fileName} does not make such names. */
export function readFileName(file: string): NamedFile | undefined {
  const [, kind, name, hash] = FILE_NAME.exec(file) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind, name, isShortened: hash !== undefined };
}
