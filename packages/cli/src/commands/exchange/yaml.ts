import { printable } from "@fenceline/api";
import type { Exported } from "@fenceline/collector";
import { type Document, isMap, isScalar, isSeq } from "yaml";
import { documentOf, printedDocument } from "../printed-text.ts";

/**
 * Objects as YAML, one document each, with their comments beside the fields that these are about.
 */
export function exportText(exported: readonly Exported[]): string {
  return exported.map(printedObject).join("---\n");
}

function printedObject({ object, comments }: Exported): string {
  const document = documentOf(object);
  for (const { path, text } of comments) {
    const node = nodeAt(document, path);
    // After a line end, the rest of the comment would be YAML. In YAML 1.1, U+0085 and U+2028 are
    // line ends, too.
    if (node !== undefined) node.commentBefore = ` ${printable(text)}`;
  }
  return printedDocument(document);
}

/** The key of a field, or the element of a list. */
function nodeAt(document: Document, path: readonly (string | number)[]): { commentBefore?: string | null } | undefined {
  const last = path.at(-1);
  const parent = document.getIn(path.slice(0, -1), true);
  const found = isMap(parent)
    ? parent.items.find(({ key }) => (isScalar(key) ? key.value : key) === last)?.key
    : isSeq(parent)
      ? parent.items[Number(last)]
      : undefined;
  return isScalar(found) ? found : undefined;
}
