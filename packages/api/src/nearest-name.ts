/** Names of more characters are compared with nothing. */
const LONGEST = 64;
/** A name may differ from the one that is meant by one letter in so many. */
const LETTERS_FOR_ONE = 3;

/**
 * Which of these names somebody most likely meant who wrote another one; undefined where none is
 * near. Upper and lower case are the same.
 */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  if (written.length > LONGEST) return undefined;
  const near = names
    .map((name) => ({ name, edits: editsBetween(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.ceil(Math.min(name.length, written.length) / LETTERS_FOR_ONE));
  return near.sort((one, other) => one.edits - other.edits)[0]?.name;
}

/** Letters that come, go or change, as Levenshtein counts them. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [index, otherLetter] of [...other].entries()) {
      const changed = (row[index] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
