/** Asks for an object by its `metadata` alone, as it is or in a list; all of it will do, too. */
export function metadataOnly(what: "PartialObjectMetadata" | "PartialObjectMetadataList"): string {
  return `application/json;as=${what};v=v1;g=meta.k8s.io,application/json`;
}
