import { REQUESTS_TAG } from "@fenceline/api/vocabulary";
import type { WireReader } from "@fenceline/wire";
import { readAddress } from "./address.ts";
import type { EntryDraft } from "./entry-draft.ts";
import { readTls } from "./tls.ts";

/**
 * Tags, `field number << 3 | wire type`, of `AccessLogCommon`. Those from custom_tags on exist only
 * in v3; v2 does not use the numbers.
 */
const REMOTE_ADDRESS = (2 << 3) | 2;
const LOCAL_ADDRESS = (3 << 3) | 2;
const TLS_PROPERTIES = (4 << 3) | 2;
const UPSTREAM_CLUSTER = (15 << 3) | 2;
const DIRECT_REMOTE_ADDRESS = (20 << 3) | 2;
const CUSTOM_TAGS = (22 << 3) | 2;
const INTERMEDIATE_LOG_ENTRY = 27 << 3;
const ACCESS_LOG_TYPE = 33 << 3;

const REQUESTS_KEY = Buffer.from(REQUESTS_TAG);

/** `common_properties` of an entry, merged into the draft. */
export function readCommon(reader: WireReader, outerEnd: number, draft: EntryDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) readCommonField(reader, end, draft);
  reader.close(end);
}

function readCommonField(reader: WireReader, end: number, draft: EntryDraft): void {
  const tag = reader.tag();
  switch (tag) {
    case REMOTE_ADDRESS:
      draft.remoteAddress = readAddress(reader, end, draft.remoteAddress);
      return;
    case LOCAL_ADDRESS:
      draft.localAddress = readAddress(reader, end, draft.localAddress);
      return;
    case DIRECT_REMOTE_ADDRESS:
      draft.directRemoteAddress = readAddress(reader, end, draft.directRemoteAddress);
      return;
    case TLS_PROPERTIES:
      readTls(reader, end, draft);
      return;
    case UPSTREAM_CLUSTER:
      draft.upstreamCluster = reader.string(end);
      return;
    case CUSTOM_TAGS:
      reader.mapEntry(end);
      if (reader.keyIs(REQUESTS_KEY)) draft.requestsTag = reader.value();
      return;
    case INTERMEDIATE_LOG_ENTRY:
      draft.intermediateFlag = reader.bool();
      return;
    case ACCESS_LOG_TYPE:
      draft.accessLogType = reader.varint32();
      return;
    default:
      reader.skip(tag, end);
  }
}
