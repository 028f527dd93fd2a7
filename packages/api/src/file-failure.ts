/**
 * What the usual errors of reading a file or listing a folder mean: what is so, and what to do
 * about it.
 */
const REASONS: Readonly<Record<string, (user: string) => readonly [string, string]>> = {
  ENOENT: () => ["does not exist", "see whether the path is right, and whether it is mounted"],
  ENOTDIR: () => ["does not exist: something above it is no folder", "see whether the path is right"],
  EISDIR: () => ["is a folder", "name a file in it"],
  EACCES: (user) => [`may not be read by ${user}`, "give that user the right to read it, and to pass the folders above it"],
  EPERM: (user) => [`may not be read by ${user}`, "give that user the right to read it"],
  ELOOP: () => ["has links that lead in a circle", "put the file itself there"],
  ENAMETOOLONG: () => ["has a name that is too long", "see whether the path is right"],
};

/** Why a file or folder that a person named could not be read. */
export interface FileFailure {
  /** To follow the file's name, for example `does not exist`. */
  readonly message: string;
  /** What to do, where that is known. */
  readonly hint: string | undefined;
}

/**
 * Says in words why a file could not be read. A code of the system that is not known keeps the
 * system's text.
 *
 * @param user number of the user that reads; undefined where the system has none
 */
export function fileFailure(cause: unknown, user: number | undefined): FileFailure {
  const { code = "", syscall = "", message = String(cause) } = (cause ?? {}) as NodeJS.ErrnoException;
  // A program that cannot be started, such as a kubeconfig's exec plugin, fails with the same
  // codes: the system's text names it.
  if (syscall.startsWith("spawn")) return { message, hint: undefined };
  if (code === "ENOTDIR" && syscall === "scandir") return { message: "is no folder", hint: "name a folder" };
  const [said, hint] = REASONS[code]?.(user === undefined ? "this user" : `user ${user}`) ?? [message, undefined];
  return { message: said, hint };
}

/** The same as one text. */
export function fileFailureText(cause: unknown, user: number | undefined): string {
  const { message, hint } = fileFailure(cause, user);
  return hint === undefined ? message : `${message} (${hint})`;
}
