import { FENCE_SOURCE } from "@fenceline/api/vocabulary";
import type { WireReader } from "@fenceline/wire";
import { readCommon } from "./common.ts";
import type { EntryDraft } from "./entry-draft.ts";

/**
 * Tags, `field number << 3 | wire type`, of `HTTPAccessLogEntry`; `TCPAccessLogEntry` has only the
 * first.
 */
const COMMON_PROPERTIES = (1 << 3) | 2;
const REQUEST = (3 << 3) | 2;
const RESPONSE = (4 << 3) | 2;

/** … of `HTTPRequestProperties`. */
const AUTHORITY = (3 << 3) | 2;
const REQUEST_ID = (9 << 3) | 2;
const REQUEST_HEADERS = (13 << 3) | 2;

/** … of `HTTPResponseProperties` and of the `UInt32Value` in it. */
const RESPONSE_CODE = (1 << 3) | 2;
const UINT32_VALUE = 1 << 3;

const FENCE_SOURCE_KEY = Buffer.from(FENCE_SOURCE);

/** The body of an `HTTPAccessLogEntry` that ends at `end`. */
export function readHttpEntry(reader: WireReader, end: number, draft: EntryDraft): void {
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === COMMON_PROPERTIES) readCommon(reader, end, draft);
    else if (tag === REQUEST) readRequest(reader, end, draft);
    else if (tag === RESPONSE) readResponse(reader, end, draft);
    else reader.skip(tag, end);
  }
}

/** The body of a `TCPAccessLogEntry` that ends at `end`. */
export function readTcpEntry(reader: WireReader, end: number, draft: EntryDraft): void {
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === COMMON_PROPERTIES) readCommon(reader, end, draft);
    else reader.skip(tag, end);
  }
}

function readRequest(reader: WireReader, outerEnd: number, draft: EntryDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === AUTHORITY) draft.authority = reader.string(end);
    else if (tag === REQUEST_ID && draft.wantsRequestId) draft.requestId = reader.string(end);
    else if (tag === REQUEST_HEADERS) {
      reader.mapEntry(end);
      if (reader.keyIs(FENCE_SOURCE_KEY)) draft.fenceSource = reader.value();
    } else reader.skip(tag, end);
  }
  reader.close(end);
}

function readResponse(reader: WireReader, outerEnd: number, draft: EntryDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === RESPONSE_CODE) draft.responseCode = readUInt32Value(reader, end, draft.responseCode);
    else reader.skip(tag, end);
  }
  reader.close(end);
}

function readUInt32Value(reader: WireReader, outerEnd: number, before: number): number {
  const end = reader.open(outerEnd);
  let value = before;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === UINT32_VALUE) value = reader.varint32();
    else reader.skip(tag, end);
  }
  reader.close(end);
  return value;
}
