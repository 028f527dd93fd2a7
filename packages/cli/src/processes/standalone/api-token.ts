import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LocalTokenOptions } from "@fenceline/http-api";
import { ensureFolder } from "@fenceline/store";
import { sharedToken } from "./shared-token.ts";

/** The token of this run, for those who may read the state of its user. */
export interface ApiToken extends LocalTokenOptions {
  /** Takes the file away. */
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
  return { matches, hint: `it is in ${file}`, remove: () => rm(file, { force: true }) };
}
