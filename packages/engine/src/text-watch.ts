/** Told when work on texts that a stranger wrote begins, and when it has ended. */
export type TextWatch = (running: boolean) => void;

/** Do such work under a watch. */
export function watched<T>(watch: TextWatch, work: () => T): T {
  watch(true);
  try {
    return work();
  } finally {
    watch(false);
  }
}
