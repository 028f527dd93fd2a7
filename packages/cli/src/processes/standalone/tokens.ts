import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalTokenOptions } from "@fenceline/http-api";
import { ensureFolder } from "@fenceline/store";

/** A secret that two parts of one process share. */
export interface SharedToken {
  readonly token: string;
  /** Whether a text is the token. The comparison takes constant time. */
  readonly matches: (text: string) => boolean;
}

/** Makes a random token, which is valid until the process ends. */
export function sharedToken(): SharedToken {
  const token = randomBytes(32).toString("base64url");
  const expected = hash(token);
  return { token, matches: (text) => timingSafeEqual(hash(text), expected) };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token of this run, for everybody who may read the state of its user. */
export interface ApiToken extends LocalTokenOptions {
  /** Removes the file, if this is possible. */
  remove(): Promise<void>;
}

/**
 * Makes the token for calls that write, and keeps it in `state/api-token`, readable only by this
 * user. Each run makes another one, so that a leaked token is not valid for long.
 */
export async function makeApiToken(folder: string): Promise<ApiToken> {
  const { token, matches } = sharedToken();
  const state = join(folder, "state");
  const file = join(state, "api-token");
  await ensureFolder(state);
  // The mode applies only to a new file, and `wx` follows no link that somebody has put there.
  await rm(file, { force: true });
  await writeFile(file, `${token}\n`, { flag: "wx", mode: 0o600 });
  // A token whose file cannot be removed, for example from a read-only disk, ends with the process
  // anyway.
  return { matches, hint: `it is in ${file}`, remove: () => rm(file, { force: true }).catch(() => {}) };
}
