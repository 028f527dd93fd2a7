import { StringDecoder } from "node:string_decoder";

/**
 * Longest line of a watch that is accepted, in characters. An object of 1.5 MB, etcd's limit, is
 * far below it, including escapes.
 */
const LONGEST_LINE = 16 * 1_024 * 1_024;

/**
 * The complete lines of a stream. What follows the last line break is dropped: there the connection
 * broke, and the event comes again.
 *
 * @throws {RangeError} when a line grows beyond {@link LONGEST_LINE}
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
    if (rest.length > LONGEST_LINE) throw new RangeError(`a line is longer than ${LONGEST_LINE} characters`);
  }
}
