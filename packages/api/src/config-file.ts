import { Config } from "./config.ts";
import { InvalidResource, type Location } from "./errors.ts";
import { faultsOf, formatPath, lineOfField } from "./field-path.ts";
import { safeParseObject } from "./null-fields.ts";
import { contentOf, parseYaml, syntaxFaults } from "./yaml-documents.ts";

/**
 * Reads a configuration file, YAML or JSON as kubectl reads it. An empty text is the default
 * configuration.
 *
 * @param file name for error messages
 * @throws {InvalidResource} `CONFIG_INVALID`, naming file, line and field of every fault, one a
 * line; of very many, of the first ones
 */
export function parseConfig(text: string, file: string): Config {
  const invalid = (at: Location, message: string) => new InvalidResource("CONFIG_INVALID", { at: { file, ...at }, message });
  const { documents, lines } = parseYaml(text);
  const faults = documents.flatMap((document) => syntaxFaults(document, lines));
  // Of each line the first: what else the parser says of it follows from that.
  const broken = faults.filter(({ line }, index) => index === faults.findIndex((fault) => fault.line === line));
  if (broken.length > 0) throw allOf(broken.map(({ line, message }) => invalid({ line }, message)));
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
  throw allOf(
    faultsOf(result.error, first.value).map(({ field, message }) =>
      invalid({ line: lineOfField(document, lines, field), path: formatPath(field) }, message),
    ),
  );
}

/** Most faults that an error lists. */
const MOST_FAULTS = 20;

/**
 * One error for all of them: whoever mends a file wants to start us once more, and not once for
 * each. It stands where the first one is.
 */
function allOf(faults: readonly InvalidResource[]): InvalidResource {
  const [first] = faults;
  if (first !== undefined && faults.length === 1) return first;
  const rest = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more`] : [];
  return new InvalidResource("CONFIG_INVALID", {
    at: { ...(first?.at.file !== undefined && { file: first.at.file }) },
    message: [`${faults.length} faults`, ...faults.slice(0, MOST_FAULTS).map(({ message }) => message), ...rest].join("\n"),
  });
}
