/**
 * A text of several JSON values in a row as YAML with a document for each, as kubectl reads it;
 * any other text as it is. Lines keep their numbers where each value begins on a line of its own.
 */
export function separated(text: string): string {
  const values = /^\s*\{/.test(text) ? valuesOf(text) : [];
  if (values.length < 2 || !values.every(isJson)) return text;
  return values.map((value, at) => (at === 0 ? value : documentOf(value))).join("");
}

/**
 * Each with the blanks in front of it. YAML takes a document's beginning in the first column only.
 */
function documentOf(value: string): string {
  const begin = value.indexOf("{");
  const blanks = value.slice(0, begin);
  const lines = blanks.lastIndexOf("\n") + 1;
  return `${lines === 0 ? "\n" : blanks.slice(0, lines)}--- ${value.slice(begin)}`;
}

/** The objects that stand one behind the other, as far as braces and quotes tell. */
function valuesOf(text: string): string[] {
  const values: string[] = [];
  let begin = 0;
  for (let end = endOfObject(text, begin); end !== undefined; end = endOfObject(text, begin)) {
    values.push(text.slice(begin, end));
    begin = end;
  }
  return text.slice(begin).trim() === "" ? values : [];
}

/**
 * By hand, since a regular expression tries a quote without an end again from each one behind it.
 */
function endOfObject(text: string, begin: number): number | undefined {
  let depth = 0;
  for (let at = begin; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfQuote(text, at);
    else if (character === "{") depth += 1;
    else if (character === "}") depth -= 1;
    if (character === "}" && depth <= 0) return at + 1;
  }
  return undefined;
}

function endOfQuote(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at;
    if (text[at] === "\\") at += 1;
  }
  return text.length;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
