import type { WireReader } from "@fenceline/wire";
import type { EntryDraft } from "./entry-draft.ts";

/** Tags, `field number << 3 | wire type`, of `TLSProperties`, … */
const SNI_HOSTNAME = (3 << 3) | 2;
const PEER_CERTIFICATE = (5 << 3) | 2;
/** … of its `CertificateProperties`, … */
const SUBJECT_ALT_NAME = (1 << 3) | 2;
/** … and of `SubjectAltName`, a oneof. */
const URI = (1 << 3) | 2;
const DNS = (2 << 3) | 2;

/** Stands for a URI that is too long to be read: it is present, but nobody's identity. */
const UNREADABLE_URI = "urn:fenceline:too-long";

/** `tls_properties`: the server name and the URIs of the peer's certificate. */
export function readTls(reader: WireReader, outerEnd: number, draft: EntryDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === SNI_HOSTNAME) draft.sni = reader.string(end);
    else if (tag === PEER_CERTIFICATE) readPeerCertificate(reader, end, draft);
    else reader.skip(tag, end);
  }
  reader.close(end);
}

function readPeerCertificate(reader: WireReader, outerEnd: number, draft: EntryDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === SUBJECT_ALT_NAME) {
      const uri = readSubjectAltName(reader, end);
      if (uri === "") continue;
      draft.peerUris ??= [];
      draft.peerUris.push(uri);
    } else reader.skip(tag, end);
  }
  reader.close(end);
}

/** The URI; empty for a DNS name. */
function readSubjectAltName(reader: WireReader, outerEnd: number): string {
  const end = reader.open(outerEnd);
  let uri = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === URI) uri = reader.string(end, UNREADABLE_URI);
    else {
      if (tag === DNS) uri = "";
      reader.skip(tag, end);
    }
  }
  reader.close(end);
  return uri;
}
