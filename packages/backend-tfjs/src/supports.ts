import { claimedBy } from "@hulu/core";
import { claims } from "./emit/composites.js";

/** Whether this backend runs a node as it stands; if not, why. */
export const supports = claimedBy(claims);
