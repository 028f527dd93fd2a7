import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../../..");
const LEVELS = ["debug", "info", "warn", "error"];
/** A call of a logger, up to its opening parenthesis. */
const CALL = /\b(?:\w*[lL]ogger|log)(?:\.(debug|info|warn|error)|\[level\])\(/g;
/** Messages that are looked up: the name of the table, and what its rows say. */
const TABLES: Readonly<Record<string, string>> = {
  "WRITTEN[action]": '"created" "updated" "removed"',
  "SAID[decision]": '"edge seen" "entry dropped" "entries dropped" "host evicted"',
};

/**
 * The last argument: a literal, one of two literals, a row of a table, or a constant of the file.
 */
const MESSAGE = /(?:^|,\s*)((?:[^,"]+\?\s*)?"[^"]*"(?:\s*:\s*"[^"]*")?|\w+\[\w+\]|[A-Z][A-Z_]+)\s*,?\s*$/;

/** Every message of a source with its levels: `created info`. */
function messagesIn(text: string, file: string): string[] {
  const constants = Object.fromEntries([...text.matchAll(/^const ([A-Z_]+) = ("[^"]*");/gm)].map(([, name, literal]) => [name, literal]));
  return [...text.matchAll(CALL)].flatMap(({ index, 0: head, 1: level }) => {
    const given = argumentsOf(text.slice(index + head.length));
    const [, last] = MESSAGE.exec(given) ?? [];
    assert.ok(last !== undefined, `${file}: the message of ${head}${given}) is no literal, so nobody finds it in docs/log.md`);
    const literals = [...(TABLES[last] ?? constants[last] ?? last).matchAll(/"([^"]*)"/g)].map(([, literal = ""]) => literal);
    // `logger[level]` is used for the demo's calls alone.
    const levels = level === undefined ? ["debug", "info"] : [level];
    return literals.flatMap((message) => levels.map((each) => `${message} ${each}`));
  });
}

/** What stands before the parenthesis that closes. */
function argumentsOf(text: string): string {
  let depth = 1;
  let at = 0;
  for (; at < text.length && depth > 0; at += 1) depth += ({ "(": 1, ")": -1 } as Record<string, number>)[text[at] ?? ""] ?? 0;
  return text.slice(0, at - 1);
}

function messagesInCode(): string[] {
  const files = globSync("packages/*/src/**/*.ts", { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts") && !file.includes("/testing/"),
  );
  return [...new Set(files.flatMap((file) => messagesIn(readFileSync(join(ROOT, file), "utf8"), file)))];
}

/** The first two columns of the tables: message, and levels. */
function messagesInDocument(): string[] {
  const text = readFileSync(join(ROOT, "docs/log.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([^`]+)`\s*\| ([a-z, ]+?)\s*\|/gm)];
  return rows.flatMap(([, message = "", levels = ""]) => levels.split(", ").map((level) => `${message} ${level}`));
}

test("T-52 docs/log.md lists exactly the messages that there are, with their levels", () => {
  const documented = messagesInDocument();
  for (const row of documented)
    assert.ok(
      LEVELS.some((level) => row.endsWith(` ${level}`)),
      row,
    );
  assert.deepEqual(documented.toSorted(), messagesInCode().sort());
});
