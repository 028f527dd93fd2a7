import { type EnvoyNode, type ReverseWriter, writeNode } from "@fenceline/wire";

/**
 * A {@link StreamIdentifier} to be written; anything left out of the node is absent on the wire.
 */
export interface IdentifierFields {
  readonly logName: string;
  readonly node: Partial<EnvoyNode>;
}

/** Writes `Identifier identifier = 1 { node = 1, log_name = 2 }`, fields in reverse. */
export function writeIdentifier(writer: ReverseWriter, { logName, node }: IdentifierFields): void {
  const mark = writer.size;
  writer.string(2, logName);
  writeNode(writer, node);
  writer.message(1, mark);
}
