import { testBackend } from "@hulu/testing";
import { reference } from "./index.js";

// Held against itself the operations would prove nothing: there each case's written-out definition takes its place.
testBackend("reference", reference, { reference });
