import { check, type Task } from "./check.js";
import type { FromChild } from "./isolated.js";

// The process that `isolated` starts: it checks what it is sent, one after the other, and may be killed at any time.
const tell = (message: FromChild): void => {
  process.send?.(message);
};
process.on("message", (task: Task) => {
  void check(task).then((checked) => tell({ kind: "checked", checked, maxRss: process.resourceUsage().maxRSS * 1024 }));
});
// The parent is gone: nobody waits for what is being checked.
process.on("disconnect", () => process.exit(0));
tell({ kind: "ready" });
