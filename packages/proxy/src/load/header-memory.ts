/**
 * Memory that a byte of a request's header takes while the request is in flight: strings, the lists
 * they stand in, and the copy that is forwarded.
 */
export const MEMORY_PER_HEADER_BYTE = 3;

/** The same for a whole header. @param rawHeaders flat list of names and values */
export function headerMemory(target: string, rawHeaders: readonly string[]): number {
  let length = target.length;
  for (const part of rawHeaders) length += part.length;
  return length * MEMORY_PER_HEADER_BYTE;
}
