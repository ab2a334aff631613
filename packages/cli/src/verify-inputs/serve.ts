import { check, type Task } from "./check.js";
import type { FromChild } from "./isolated.js";

/** Check what the parent of this process sends, one after the other. It may be killed at any time. */
export function serveChecks(own: NodeJS.Process): void {
  const tell = (message: FromChild): void => {
    own.send?.(message);
  };
  own.on("message", (task: Task) => {
    void check(task).then((checked) => tell({ kind: "checked", checked, maxRss: own.resourceUsage().maxRSS * 1024 }));
  });
  // The parent is gone: nobody waits for what is being checked.
  own.on("disconnect", () => own.exit(0));
  tell({ kind: "ready" });
}
