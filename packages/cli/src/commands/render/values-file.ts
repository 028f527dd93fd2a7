import { contentOf, InvalidResource, isJsonObject, parseYaml, syntaxFaults } from "@fenceline/api";
import { readNamedFile } from "../../read-text-file.ts";

/** Largest file that is read, in bytes. */
const LARGEST = 1024 * 1024;

/**
 * Values by name, from a YAML or JSON file: numbers, or their text as a status has them.
 *
 * @throws InvalidResource `METRICS_INVALID`
 */
export function readValues(file: string): ReadonlyMap<string, number> {
  const value = parsed(readNamedFile(file, LARGEST), file);
  if (!isJsonObject(value)) throw invalid(file, "", "not a map of names to numbers");
  return new Map(
    Object.entries(value).map(([name, given]) => {
      const number = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
      if (typeof number !== "number" || !Number.isFinite(number)) throw invalid(file, name, `${JSON.stringify(given)} is not a number`);
      return [name, number];
    }),
  );
}

function parsed(text: string, file: string): unknown {
  const { documents, lines } = parseYaml(text);
  const [document] = documents;
  if (document === undefined) return undefined;
  const [syntax] = syntaxFaults(document, lines);
  if (syntax !== undefined) throw invalid(file, "", syntax.message, syntax.line);
  const { value, fault } = contentOf(document);
  if (fault !== undefined) throw invalid(file, "", fault);
  return value;
}

function invalid(file: string, path: string, message: string, line?: number): InvalidResource {
  return new InvalidResource("METRICS_INVALID", {
    at: { file, path, ...(line !== undefined && { line }) },
    message,
    hint: "write {_base.pod: 3}",
  });
}
