/**
 * A reporter of `node --test` that lists at the end which tests were skipped and why: other
 * reporters print thousands of lines, and at the end only a number. Prints nothing if there are
 * none.
 */
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

export default async function* skippedTests(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped = new Map<string, { count: number; readonly files: Set<string> }>();
  for await (const { type, data } of events) {
    if (type !== "test:pass" || data.skip === undefined || data.skip === false) continue;
    const reason = typeof data.skip === "string" && data.skip !== "" ? data.skip : "no reason is given";
    const of = skipped.get(reason) ?? { count: 0, files: new Set() };
    of.count += 1;
    if (data.file !== undefined) of.files.add(relative(process.cwd(), data.file));
    skipped.set(reason, of);
  }
  const total = [...skipped.values()].reduce((sum, { count }) => sum + count, 0);
  if (total > 0) yield `\nfenceline: ${tests(total)} skipped:\n`;
  for (const [reason, { count, files }] of skipped) yield `  ${reason} (${tests(count)} in ${[...files].sort().join(", ")})\n`;
}

function tests(count: number): string {
  return count === 1 ? "1 test" : `${count} tests`;
}
