import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalTokenOptions } from "@fenceline/http-api";
import { ensureFolder } from "@fenceline/store";

/** A secret that two parts of one process know. */
export interface SharedToken {
  readonly token: string;
  /** Whether a text is the token. Takes as long for a near miss as for nonsense. */
  readonly matches: (text: string) => boolean;
}

/** Makes one that nobody can guess, and that ends with the process. */
export function sharedToken(): SharedToken {
  const token = randomBytes(32).toString("base64url");
  const expected = hash(token);
  return { token, matches: (text) => timingSafeEqual(hash(text), expected) };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The token of this run, for those who may read the state of its user. */
export interface ApiToken extends LocalTokenOptions {
  /** Takes the file away, where that can be done. */
  remove(): Promise<void>;
}

/**
 * Makes the token that calls which write need, and keeps it in `state/api-token`, for this user
 * only. Each run makes another one, so that what leaked once is of no use for long.
 */
export async function makeApiToken(folder: string): Promise<ApiToken> {
  const { token, matches } = sharedToken();
  const state = join(folder, "state");
  const file = join(state, "api-token");
  await ensureFolder(state);
  // The mode counts for a new file only, and `wx` follows no link that somebody has put there.
  await rm(file, { force: true });
  await writeFile(file, `${token}\n`, { flag: "wx", mode: 0o600 });
  // One that cannot be removed, as on a disk that became read-only, ends with the process anyway.
  return { matches, hint: `it is in ${file}`, remove: () => rm(file, { force: true }).catch(() => {}) };
}
