/** Objects of ours that a manifest switches off: that counts, whatever is wrong in its file. */
import type { Document } from "yaml";
import { isJsonObject } from "./json-object.ts";
import { isOwnKind, type ReadKind } from "./kinds/kind.ts";
import type { AnyObject } from "./object.ts";
import { readObject } from "./read-object.ts";
import { contentOf, type SyntaxFault } from "./yaml-documents.ts";

/** Whether an object is switched off, by what counts of it in spite of any mistake. */
export function isStopped(kind: ReadKind<unknown>, object: unknown): boolean {
  return isOwnKind(kind) && kind.inSpiteOfFaults?.(object) !== undefined;
}

/**
 * Objects of ours that are switched off in a document whose syntax has faults, as far as the parser
 * got. Each says what is wrong.
 */
export function stoppedIn(document: Document, kinds: readonly ReadKind<unknown>[], [fault]: readonly SyntaxFault[]): readonly AnyObject[] {
  const { value } = contentOf(document);
  const items = isJsonObject(value) && Array.isArray(value.items) ? value.items : [value];
  return items.filter(isJsonObject).flatMap((item) => {
    const kind = kinds.find(({ name, apiVersions }) => name === item.kind && apiVersions.some((version) => version === item.apiVersion));
    if (kind === undefined || !isOwnKind(kind)) return [];
    const stopped = kind.inSpiteOfFaults?.(item);
    const { object } = stopped === undefined ? {} : readObject(kind, stopped);
    const message = `line ${fault?.line}: ${fault?.message}`;
    return object === undefined ? [] : [{ ...(object as AnyObject), fault: message }];
  });
}
