import type { ServerStreamResponseOptions } from "node:http2";

/** Node takes this, though its types do not say so. A Date that the destination did not send is not ours to make up: caches would reckon with it. */
interface RespondOptions extends ServerStreamResponseOptions {
  readonly sendDate: false;
}

/** An answer that is its header alone. */
export const HEADER_ONLY: RespondOptions = { endStream: true, sendDate: false };
/** An answer with a body, and surely no trailers: its end stands on the last DATA frame. */
export const WITH_BODY: RespondOptions = { sendDate: false };
/** An answer whose trailers follow its body, or may. */
export const WITH_TRAILERS: RespondOptions = { waitForTrailers: true, sendDate: false };
