/** A part of `npm run check`: names every comment line, and every file, that is too long. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { longComments } from "./long-comments.mjs";
import { isTooLong } from "./long-files.mjs";

const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs"], { encoding: "utf8" });
const texts = listed.split("\0").flatMap((file) => (file !== "" && existsSync(file) ? [{ file, text: readFileSync(file, "utf8") }] : []));

tell(
  "comment lines of more than 100 columns",
  texts.flatMap(({ file, text }) => longComments(text).map((line) => `${file}:${line}`)),
);
tell(
  "files of more than 300 lines",
  texts.flatMap(({ file, text }) => (isTooLong(file, text) ? [file] : [])),
);

/**
 * @param {string} what
 * @param {readonly string[]} found
 */
function tell(what, found) {
  if (found.length === 0) return;
  console.error(`${what}:\n${found.join("\n")}`);
  process.exitCode = 1;
}
