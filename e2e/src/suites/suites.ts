import { coldEdges } from "./cold-edges/cold-edges.ts";
import { withoutOnDemand } from "./cold-edges/without-on-demand.ts";
import { firstRequests } from "./first-requests.ts";
import { installGuide } from "./install-guide.ts";
import { smoke } from "./smoke.ts";
import type { Suite } from "./suite.ts";

/** Every suite, in the order in which they run. */
export const SUITES: readonly Suite[] = [smoke, firstRequests, coldEdges, withoutOnDemand, installGuide];
