/**
 * Memory per byte of a request's header while the request is in flight: strings, their lists, and
 * the copy that is forwarded.
 */
export const MEMORY_PER_HEADER_BYTE = 3;

/** The same for a whole header. @param rawHeaders flat list of names and values */
export function headerMemory(target: string, rawHeaders: readonly string[]): number {
  return target.length * MEMORY_PER_HEADER_BYTE + fieldMemory(rawHeaders);
}

/** The same for any list of fields: those of an answer, or trailers. */
export function fieldMemory(rawFields: readonly string[]): number {
  let length = 0;
  for (const part of rawFields) length += part.length;
  return length * MEMORY_PER_HEADER_BYTE;
}
