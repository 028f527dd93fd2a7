/**
 * Wire types of protobuf, the lower three bits of a tag.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export const WIRE = { VARINT: 0, I64: 1, LEN: 2, GROUP_START: 3, GROUP_END: 4, I32: 5 } as const;

/** Stands for the wire type of a tag with field number 0, which is never valid. */
export const NO_WIRE_TYPE = -1;

/** 64 bits in groups of seven. A longer varint is an error in all parsers. */
export const MAX_VARINT_BYTES = 10;

/**
 * Deepest nesting of unknown groups that is skipped. Nobody sends groups in proto3; other parsers
 * stop at 100.
 */
export const GROUP_DEPTH_LIMIT = 64;
