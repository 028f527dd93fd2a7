/** A store that holds nothing and takes everything. */
export const NO_OBJECTS = {
  ownedBy: () => [],
  apply: async () => undefined,
  writeStatus: async () => undefined,
  deleteStatus: async () => {},
  faultOf: () => undefined,
};
