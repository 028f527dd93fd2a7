import { Config } from "./config.ts";
import { InvalidResource, type Location } from "./errors.ts";
import { faultsOf, formatPath, lineOfField } from "./field-path.ts";
import { safeParseObject } from "./null-fields.ts";
import { contentOf, parseYaml, syntaxFaults } from "./yaml-documents.ts";

/**
 * Reads a configuration file, YAML or JSON as kubectl reads it. An empty text is the default configuration.
 *
 * @param file name for error messages
 * @throws {InvalidResource} `CONFIG_INVALID`, naming file, line and field of the first fault
 */
export function parseConfig(text: string, file: string): Config {
  const invalid = (at: Location, message: string) => new InvalidResource("CONFIG_INVALID", { at: { file, ...at }, message });
  const { documents, lines } = parseYaml(text);
  const [broken] = documents.flatMap((document) => syntaxFaults(document, lines));
  if (broken !== undefined) throw invalid({ line: broken.line }, broken.message);
  // Text before the first `---`, or comments alone, are documents too.
  const [first, second] = documents.flatMap((document) => {
    const content = contentOf(document);
    return content.fault === undefined && (content.value ?? undefined) === undefined ? [] : [{ document, ...content }];
  });
  if (first === undefined) return Config.parse({});
  const { document } = first;
  if (second !== undefined) throw invalid({ line: lineOfField(second.document, lines, []) }, "a second document: the configuration is one");
  if (first.fault !== undefined) throw invalid({ line: lineOfField(document, lines, []) }, first.fault);
  const result = safeParseObject(Config, first.value);
  if (result.success) return result.data;
  const [{ field, message } = { field: [], message: "not valid" }] = faultsOf(result.error);
  throw invalid({ line: lineOfField(document, lines, field), path: formatPath(field) }, message);
}
