import { printable, printableLines } from "./foreign-text.ts";

/** Where in the user's input something was wrong. Every field is optional: say what is known. */
export interface Location {
  /** File name as the user gave it. */
  readonly file?: string;
  /** Line in that file, counted from 1. */
  readonly line?: number;
  /** Path of the field, for example `spec.host['b..svc']`. */
  readonly path?: string;
  /** The object, for example `ServiceFence test1/a`. */
  readonly object?: string;
}

/** What a Fenceline error carries beside its code. */
export interface ErrorDetails {
  readonly message: string;
  readonly at?: Location;
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** For how long whoever refused asks to be left alone, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/**
 * Base of every error that Fenceline raises on purpose.
 *
 * `code` is stable: users may match on it, and the documents list it. `message` is for people and
 * may change.
 */
export class FencelineError extends Error {
  readonly code: string;
  readonly at: Location;
  readonly hint: string | undefined;
  /** What is wrong, without code and place. */
  readonly detail: string;
  /**
   * For how long whoever refused asks to be left alone, in milliseconds; undefined when it does
   * not.
   */
  readonly retryAfter: number | undefined;

  constructor(code: string, details: ErrorDetails) {
    super(describe(code, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.at = details.at ?? {};
    this.hint = details.hint;
    this.detail = details.message;
    this.retryAfter = details.retryAfter;
  }
}

/** For how long whoever refused asks to be left alone, in milliseconds; 0 when nobody does. */
export function pauseAskedBy(error: unknown): number {
  return error instanceof FencelineError ? (error.retryAfter ?? 0) : 0;
}

/**
 * Input that a person wrote (a manifest, a configuration, a flag) is not valid. It is refused
 * whole.
 */
export class InvalidResource extends FencelineError {
  constructor(code: string, details: ErrorDetails) {
    // What was found stands in it. Lines are those of several faults.
    super(code, { ...details, message: printableLines(details.message) });
  }
}

function describe(code: string, { message, at = {}, hint }: ErrorDetails): string {
  const position = [at.file, at.line].filter((part) => part !== undefined).join(":");
  const subject = [position, at.object, at.path].filter((part) => part !== undefined && part !== "").join(" ");
  // Files and objects have the names that somebody gave them.
  return `${code}: ${subject === "" ? "" : `${printable(subject)}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;
}
