import { printableLines } from "@fenceline/api";
import { Document, visit } from "yaml";

/**
 * A value as JSON for people and programs. JSON lets C1 controls stand, which a terminal obeys as
 * it does the others; as escapes they are the same text.
 */
export function printedJson(value: unknown): string {
  return `${printableLines(JSON.stringify(value, undefined, 2))}\n`;
}

/** A value as YAML, in the same way. */
export function printedYaml(value: unknown): string {
  return printedDocument(documentOf(value));
}

/**
 * As kubectl and Helm read it: what YAML 1.1 takes for a boolean or a number, such as `Off`, is
 * quoted where it is a text.
 */
export function documentOf(value: unknown): Document {
  return new Document(value, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
}

/** The same of a document, whose comments are printable by themselves. */
export function printedDocument(document: Document): string {
  visit(document, {
    Scalar(_, node) {
      // Only there an escape is the character that it stands for.
      if (typeof node.value === "string" && printableLines(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
  });
  return printableLines(document.toString({ lineWidth: 0 }));
}
