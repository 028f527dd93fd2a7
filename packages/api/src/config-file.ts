import type { Document, LineCounter } from "yaml";
import { Config } from "./config.ts";
import { InvalidResource, type Location } from "./errors.ts";
import { type FieldPath, faultsOf, formatPath, lineOfField } from "./field-path.ts";
import { safeParseObject } from "./null-fields.ts";
import { slimeGeneral } from "./slime-general.ts";
import { contentOf, parseYaml, syntaxFaults } from "./yaml-documents.ts";

/** A configuration, and what of the file it was read from has no effect. */
export interface ConfigReading {
  readonly config: Config;
  readonly remarks: readonly string[];
}

/**
 * Reads a configuration file, YAML or JSON as kubectl reads it. An empty text is the default
 * configuration.
 *
 * @param file name for error messages
 * @throws {InvalidResource} `CONFIG_INVALID`, naming file, line and field of every fault, one a
 * line; of very many, of the first ones
 */
export function parseConfig(text: string, file: string): Config {
  const content = soleContent(text, file);
  return content === undefined ? Config.parse({}) : validated(content, content.value, file);
}

/**
 * As {@link parseConfig}, but takes the `general` of a Slime module, too. The fields tell which of
 * the two it is.
 *
 * @throws {InvalidResource} as {@link parseConfig}
 */
export function parseConfigOrGeneral(text: string, file: string): ConfigReading {
  const content = soleContent(text, file);
  if (content === undefined) return { config: Config.parse({}), remarks: [] };
  const { config, remarks, pathOf } = slimeGeneral(content.value) ?? { config: content.value, remarks: [] };
  return { config: validated(content, config, file, pathOf), remarks };
}

/** The one document that a configuration file has. */
interface SoleContent {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly value: unknown;
}

function soleContent(text: string, file: string): SoleContent | undefined {
  const { documents, lines } = parseYaml(text);
  const faults = documents.flatMap((document) => syntaxFaults(document, lines));
  // Of each line the first: what else the parser says of it follows from that.
  const told = new Set<number>();
  const broken = faults.filter(({ line }) => !told.has(line) && told.add(line));
  if (broken.length > 0) throw allOf(broken.map(({ line, message }) => invalid(file, { line }, message)));
  // Text before the first `---`, or comments alone, are documents too.
  const [first, second] = documents.flatMap((document) => {
    const content = contentOf(document);
    return content.fault === undefined && (content.value ?? undefined) === undefined ? [] : [{ document, ...content }];
  });
  if (first === undefined) return undefined;
  const { document } = first;
  if (second !== undefined)
    throw invalid(file, { line: lineOfField(second.document, lines, []) }, "a second document: the configuration is one");
  if (first.fault !== undefined) throw invalid(file, { line: lineOfField(document, lines, []) }, first.fault);
  return { document, lines, value: first.value };
}

/**
 * @param pathOf where a field of the configuration stands in the document. Default: in its place
 */
function validated(
  { document, lines }: SoleContent,
  value: unknown,
  file: string,
  pathOf: (field: FieldPath) => FieldPath = (field) => field,
): Config {
  const result = safeParseObject(Config, value);
  if (result.success) return result.data;
  throw allOf(
    faultsOf(result.error, value).map(({ field, message }) => {
      const place = pathOf(field);
      return invalid(file, { line: lineOfField(document, lines, place), path: formatPath(place) }, message);
    }),
  );
}

function invalid(file: string, at: Location, message: string): InvalidResource {
  return new InvalidResource("CONFIG_INVALID", { at: { file, ...at }, message });
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
