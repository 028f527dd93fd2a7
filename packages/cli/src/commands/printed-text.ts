import { printableLines } from "@fenceline/api";
import { Document, visit } from "yaml";

/**
 * A value as JSON for people and programs. JSON allows C1 controls, which a terminal executes like
 * other control characters. As escapes they are the same text.
 */
export function printedJson(value: unknown): string {
  return `${printableLines(JSON.stringify(value, undefined, 2))}\n`;
}

/** A value as YAML, in the same way. */
export function printedYaml(value: unknown): string {
  return printedDocument(documentOf(value));
}

/**
 * For kubectl and Helm, which read YAML 1.1: a text that this reads as a boolean or a number, such
 * as `Off`, is quoted.
 */
export function documentOf(value: unknown): Document {
  return new Document(value, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
}

/** The same for a document. Its comments are printable already. */
export function printedDocument(document: Document): string {
  visit(document, {
    Scalar(_, node) {
      // Only in double quotes an escape stands for its character.
      if (typeof node.value === "string" && printableLines(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
  });
  return printableLines(document.toString({ lineWidth: 0 }));
}
