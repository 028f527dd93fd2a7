import { ageing } from "./ageing/ageing.ts";
import { authorization } from "./authorization.ts";
import { automaticFences } from "./automatic-fences.ts";
import { coldEdges } from "./cold-edges/cold-edges.ts";
import { withoutOnDemand } from "./cold-edges/without-on-demand.ts";
import { firstRequests } from "./first-requests.ts";
import { hostForms } from "./host-forms/host-forms.ts";
import { installGuide } from "./install-guide.ts";
import { limits } from "./limits/limits.ts";
import { meshObjects } from "./mesh-objects/mesh-objects.ts";
import { neverWider } from "./never-wider/never-wider.ts";
import { outages } from "./outages/outages.ts";
import { protocols } from "./protocols/protocols.ts";
import { proxyNeeds } from "./proxy-needs/proxy-needs.ts";
import { rejections } from "./rejections/rejections.ts";
import { removal } from "./removal/removal.ts";
import { replicas } from "./replicas/replicas.ts";
import { envoyBytes } from "./scale/envoy-bytes.ts";
import { scale } from "./scale/scale.ts";
import { slime } from "./slime/slime.ts";
import { smoke } from "./smoke.ts";
import { staticHosts } from "./static-hosts.ts";
import { store } from "./store.ts";
import type { Suite } from "./suite.ts";
import { switchOvers } from "./switch-overs/switch-overs.ts";
import { tcp } from "./tcp/tcp.ts";
import { trust } from "./trust/trust.ts";

/** Every suite, in the order in which they run. */
export const SUITES: readonly Suite[] = [
  smoke,
  store,
  staticHosts,
  automaticFences,
  firstRequests,
  coldEdges,
  withoutOnDemand,
  hostForms,
  protocols,
  tcp,
  meshObjects,
  proxyNeeds,
  neverWider,
  rejections,
  authorization,
  trust,
  ageing,
  switchOvers,
  scale,
  envoyBytes,
  limits,
  outages,
  replicas,
  removal,
  slime,
  installGuide,
];
