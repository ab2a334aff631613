export interface OnnxOptions {
  /** How many threads compute one run; the physical cores unless given. */
  readonly threads?: number;
}
