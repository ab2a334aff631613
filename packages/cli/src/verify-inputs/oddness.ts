import type { InputWarning, InputWarningCode } from "@hulu/processor";

/** What only says that care is needed, not that anything is odd about the pixels. */
const REMARKS: readonly InputWarningCode[] = ["burned-in-annotation", "head-volume"];

/** The first code of what is odd about an input. */
export const oddness = (warnings: readonly InputWarning[]): string | undefined =>
  warnings.find(({ code }) => !REMARKS.includes(code))?.code;
