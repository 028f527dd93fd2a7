/** A part of `npm run check`: names every comment line of the sources that is too long. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { longComments } from "./long-comments.mjs";

const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs"], { encoding: "utf8" });
const files = listed.split("\0").filter((file) => file !== "" && existsSync(file));
const found = files.flatMap((file) => longComments(readFileSync(file, "utf8")).map((line) => `${file}:${line}`));
if (found.length > 0) {
  console.error(`comment lines of more than 100 columns:\n${found.join("\n")}`);
  process.exitCode = 1;
}
