import { LineCounter, parseDocument } from "yaml";
import { Config } from "./config.ts";
import { InvalidResource } from "./errors.ts";
import { faultsOf, formatPath, lineOfField } from "./field-path.ts";

/**
 * Reads a configuration file. An empty text is the default configuration.
 *
 * @param file name for error messages
 * @throws {InvalidResource} `CONFIG_INVALID`, naming file, line and field of the first fault
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const at = { file, line: lines.linePos(broken.pos[0]).line };
    throw new InvalidResource("CONFIG_INVALID", { at, message: broken.message.split("\n", 1)[0] ?? "" });
  }
  const result = Config.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const [{ field, message } = { field: [], message: "not valid" }] = faultsOf(result.error);
  throw new InvalidResource("CONFIG_INVALID", {
    at: { file, line: lineOfField(document, lines, field), path: formatPath(field) },
    message,
  });
}
