import fc from "fast-check";

// Loaded when HULU_FUZZ is "many": ten times fast-check's usual runs for every property that does not state its own.
fc.configureGlobal({ numRuns: 1000 });
